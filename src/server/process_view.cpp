#include "server/process_view.hpp"

#include "server/shard_server.hpp"

#include <sluice/json/writer.hpp>
#include <sluice/shard/message.hpp>
#include <sluice/shard/wait.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice {
namespace {

double milliseconds(duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

void write_trace(json_writer& out, const trace_context& trace)
{
    char id[32];
    trace.write_trace_id(id);
    out.string({id, sizeof id});
}

// Where the time went, in milliseconds: ,"stages":{"head":…,"query":…}. Nothing stands for nothing.
void write_stages(json_writer& out, duration head, const stage_times& stages)
{
    std::string_view before = "\"";
    const auto write = [&](std::string_view stage, duration spent) {
        if (spent <= duration::zero()) return;
        out.raw(before);
        out.raw(stage);
        out.raw(R"(":)");
        out.number(milliseconds(spent));
        before = ",\"";
    };
    out.raw(R"(,"stages":{)");
    write("head", head);
    for (std::size_t i = 0; i < stage_count; ++i) {
        const auto s = static_cast<stage>(i);
        write(name(s), stages.spent(s));
    }
    out.raw("}");
}

void write_one(json_writer& out, const request_under_way& one, unsigned shard)
{
    out.raw(R"({"shard":)");
    out.number(shard);
    out.raw(R"(,"method":)");
    out.string(name(one.method));
    out.raw(R"(,"route":)");
    out.string(one.route);
    out.raw(R"(,"path":)");
    out.string(one.path);
    out.raw(R"(,"client":)");
    out.string(one.client);
    out.raw(R"(,"stage":)");
    out.string(name(one.stages.now_in()));
    out.raw(R"(,"trace_id":)");
    write_trace(out, one.trace);
    out.raw(R"(,"age_ms":)");
    out.number(milliseconds(one.age));
    write_stages(out, one.head, one.stages);
    out.raw("}");
}

void write_one(json_writer& out, const finished_request& one, unsigned shard)
{
    out.raw(R"({"shard":)");
    out.number(shard);
    out.raw(R"(,"method":)");
    out.string(name(one.method));
    out.raw(R"(,"route":)");
    out.string(one.route);
    out.raw(R"(,"status":)");
    out.number(static_cast<unsigned>(one.status));
    out.raw(R"(,"trace_id":)");
    write_trace(out, one.trace);
    out.raw(R"(,"took_ms":)");
    out.number(milliseconds(one.took));
    out.raw(R"(,"ago_ms":)");
    out.number(milliseconds(one.ago));
    write_stages(out, one.head, one.stages);
    out.raw("}");
}

// [one,one,…]
template <class All, class Write> void write_list(json_writer& out, const All& all, Write write)
{
    std::string_view before = "";
    out.raw("[");
    for (const auto& one : all) {
        out.raw(std::exchange(before, ","));
        write(one);
    }
    out.raw("]");
}

} // namespace

void process_view::add(shard_view seen, unsigned shard)
{
    requests_under_way_ += seen.requests_under_way;
    for (auto& one : seen.oldest) oldest_.push_back({std::move(one), shard});
    for (auto& one : seen.slowest) slowest_.push_back({std::move(one), shard});
}

void process_view::put_in_order()
{
    std::ranges::sort(oldest_, std::ranges::greater(), [](const auto& one) { return one.what.age; });
    std::ranges::sort(slowest_, std::ranges::greater(), [](const auto& one) { return one.what.took; });
    if (oldest_.size() > shard_view::requests_max) oldest_.resize(shard_view::requests_max);
    if (slowest_.size() > slow_requests::kept) slowest_.resize(slow_requests::kept);
}

void process_view::write_requests(json_writer& out) const
{
    out.raw(R"("under_way":)");
    out.number(requests_under_way_);
    out.raw(R"(,"silent":)");
    write_list(out, silent_, [&](unsigned shard) { out.number(shard); });
    out.raw(R"(,"requests":)");
    write_list(out, oldest_, [&](const auto& one) { write_one(out, one.what, one.shard); });
}

void process_view::write_slowest(json_writer& out) const
{
    out.raw(R"("slowest":)");
    write_list(out, slowest_, [&](const auto& one) { write_one(out, one.what, one.shard); });
}

struct shard_watch::answers
{
    std::vector<std::optional<shard_view>> by_shard;
    std::size_t missing = 0; // of those that were asked
    wait* all = nullptr;     // of the one who asks, while it waits
};

task<void> shard_watch::ask(std::shared_ptr<shard_watch> self, std::shared_ptr<answers> into, unsigned shard)
{
    shard_view seen = co_await on_shard(shard, [] { return shard_server::current().view(); });
    into->by_shard[shard] = std::move(seen);
    self->late_[shard] = false;
    if (--into->missing == 0 && into->all != nullptr) into->all->complete();
}

task<process_view> shard_watch::look()
{
    shard& here = shard::current();
    late_.resize(here.count());
    const auto got = std::make_shared<answers>();
    got->by_shard.resize(here.count());
    for (unsigned index = 0; index < here.count(); ++index) {
        if (late_[index]) continue;
        ++got->missing;
        here.background().spawn(ask(shared_from_this(), got, index));
    }
    if (got->missing > 0) {
        wait all;
        got->all = &all;
        (void)co_await all.until(here.now() + patience);
        got->all = nullptr;
    }
    process_view seen;
    for (unsigned index = 0; index < here.count(); ++index) {
        auto& said = got->by_shard[index];
        if (said) {
            seen.add(*std::move(said), index);
        } else {
            seen.add_silent(index);
            late_[index] = true;
        }
    }
    seen.put_in_order();
    co_return seen;
}

} // namespace sluice

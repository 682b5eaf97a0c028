#include "server/live_feed.hpp"

#include "server/shard_server.hpp"

#include <sluice/json/writer.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace sluice {
namespace {

constexpr duration interval = std::chrono::seconds(1);

pooled_string event_text(const process_view& seen, const std::string& metrics)
{
    pooled_string text;
    {
        json_writer out(text, metrics.size() + 4096);
        out.raw(R"(data: {"now_ms":)");
        out.number(
            std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count());
        out.raw(R"(,"draining":)");
        out.boolean(draining());
        out.raw(",");
        seen.write_requests(out);
        out.raw(",");
        seen.write_slowest(out);
        out.raw(R"(,"metrics":)");
        out.raw(metrics);
        out.raw("}\n\n");
    }
    return text;
}

} // namespace

task<result<live_feed::news>> live_feed::after(std::uint64_t seen)
{
    if (!std::exchange(making_, true)) {
        latest_.text.reset(); // of those who watched before
        shard::current().background().spawn(make(shared_from_this()));
    }
    if (latest_.text == nullptr || latest_.number == seen) {
        wait next;
        waiting_.push_back(&next);
        const wait_end how = co_await next.until();
        std::erase(waiting_, &next);
        if (how != wait_end::completed) co_return fail(how);
    }
    co_return latest_.number != seen ? latest_ : news();
}

task<void> live_feed::make(std::shared_ptr<live_feed> self)
{
    while (self->watchers_ > 0 && !draining()) {
        const process_view seen = co_await self->shards_->look();
        const auto metrics = co_await offload(shard_server::current().scrapes(), &metrics_json);
        if (metrics) { // or too many scrapes are waited for
            self->latest_ = {self->latest_.number + 1,
                             std::make_shared<const pooled_string>(event_text(seen, *metrics))};
            self->wake();
        }
        if (auto slept = co_await sleep_for(interval); !slept) break;
    }
    self->making_ = false;
    self->wake();
}

void live_feed::wake()
{
    for (wait* one : std::exchange(waiting_, {})) one->complete();
}

} // namespace sluice

#include "server/live_page.hpp"
#include "server/shard_server.hpp"

#include <sluice/json/writer.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/live_routes.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace sluice {
namespace {

constexpr unsigned watchers_max = 16;
constexpr duration interval = std::chrono::seconds(1);

double milliseconds(duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

void write_trace(json_writer& out, const trace_context& trace)
{
    char id[32];
    trace.write_trace_id(id);
    out.string({id, sizeof id});
}

void write_under_way(json_writer& out, const request_under_way& one, unsigned shard)
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
    out.string(one.stage);
    out.raw(R"(,"trace_id":)");
    write_trace(out, one.trace);
    out.raw(R"(,"age_ms":)");
    out.number(milliseconds(one.age));
    out.raw("}");
}

void write_finished(json_writer& out, const finished_request& one, unsigned shard)
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
    out.raw("}");
}

template <class T> struct of_shard
{
    T what;
    unsigned shard;
};

// What all shards said, in one.
struct process_view
{
    std::size_t requests_under_way = 0;
    std::vector<of_shard<request_under_way>> oldest;
    std::vector<of_shard<finished_request>> slowest;

    void add(shard_view seen, unsigned shard)
    {
        requests_under_way += seen.requests_under_way;
        for (auto& one : seen.oldest) oldest.push_back({std::move(one), shard});
        for (auto& one : seen.slowest) slowest.push_back({std::move(one), shard});
    }
    void put_in_order()
    {
        std::ranges::sort(oldest, std::ranges::greater(), [](const auto& one) { return one.what.age; });
        std::ranges::sort(slowest, std::ranges::greater(), [](const auto& one) { return one.what.took; });
        if (oldest.size() > shard_view::requests_max) oldest.resize(shard_view::requests_max);
        if (slowest.size() > slow_requests::kept) slowest.resize(slow_requests::kept);
    }
    // "under_way":…,"requests":[…]
    void write_requests(json_writer& out) const
    {
        out.raw(R"("under_way":)");
        out.number(requests_under_way);
        out.raw(R"(,"requests":[)");
        for (const auto& one : oldest) {
            if (&one != &oldest.front()) out.raw(",");
            write_under_way(out, one.what, one.shard);
        }
        out.raw("]");
    }
    void write_slowest(json_writer& out) const
    {
        out.raw(R"("slowest":[)");
        for (const auto& one : slowest) {
            if (&one != &slowest.front()) out.raw(",");
            write_finished(out, one.what, one.shard);
        }
        out.raw("]");
    }
};

task<process_view> look()
{
    process_view seen;
    for (unsigned index = 0; index < shard::current().count(); ++index)
        seen.add(co_await on_shard(index, [] { return shard_server::current().view(); }), index);
    seen.put_in_order();
    co_return seen;
}

task<result<response>> in_flight(request&)
{
    const process_view seen = co_await look();
    pooled_string body;
    {
        json_writer out(body, 1024);
        out.raw("{");
        seen.write_requests(out);
        out.raw("}");
    }
    response made;
    made.header("Cache-Control", "no-store");
    made.body(std::move(body), http::application_json);
    co_return made;
}

pooled_string event_text(const process_view& seen)
{
    const std::string metrics = metrics_json();
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

// Ends when its reader goes, and within a second when the server drains.
task<result<void>> write_events(http::body_writer& out)
{
    while (!draining()) {
        const process_view seen = co_await look();
        const pooled_string text = event_text(seen);
        if (auto written = co_await out.write(text); !written) co_return written;
        if (auto slept = co_await sleep_for(interval); !slept) co_return slept;
    }
    co_return result<void>();
}

// One of those who watch, for as long as it lives.
class place
{
public:
    explicit place(unsigned& taken) noexcept : taken_(taken) { ++taken_; }
    ~place() { --taken_; }
    place(const place&) = delete;
    place& operator=(const place&) = delete;

private:
    unsigned& taken_;
};

} // namespace

void live_routes(router& to)
{
    to.get("/", [](request&) {
        response made;
        made.header("Cache-Control", "no-store");
        made.header("Content-Security-Policy",
                    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                    "frame-ancestors 'none'");
        made.header("X-Content-Type-Options", "nosniff");
        made.header("Referrer-Policy", "no-referrer");
        made.static_body(live_page(), "text/html; charset=utf-8");
        return made;
    });
    to.get("/inflight", [](request& asked) { return in_flight(asked); });
    to.get("/live", [watching = std::make_shared<unsigned>(0U)](request&) -> result<response> {
        if (*watching >= watchers_max) return fail(errc::unavailable, "Too many are watching");
        response made;
        made.header("Cache-Control", "no-store");
        made.stream(
            [watching, mine = std::make_shared<place>(*watching)](http::body_writer& out) { return write_events(out); },
            "text/event-stream");
        return made;
    });
}

} // namespace sluice

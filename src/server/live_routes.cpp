#include "server/live_page.hpp"
#include "server/process_view.hpp"

#include <sluice/json/writer.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/live_routes.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace sluice {
namespace {

constexpr unsigned watchers_max = 16;
constexpr duration interval = std::chrono::seconds(1);

task<result<response>> in_flight(std::shared_ptr<shard_watch> shards)
{
    const process_view seen = co_await shards->look();
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
task<result<void>> write_events(std::shared_ptr<shard_watch> shards, http::body_writer& out)
{
    while (!draining()) {
        const process_view seen = co_await shards->look();
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
    const auto shards = std::make_shared<shard_watch>();
    to.get("/inflight", [shards](request&) { return in_flight(shards); });
    to.get("/live", [shards, watching = std::make_shared<unsigned>(0U)](request&) -> result<response> {
        if (*watching >= watchers_max) return fail(errc::unavailable, "Too many are watching");
        response made;
        made.header("Cache-Control", "no-store");
        made.stream([shards, watching, mine = std::make_shared<place>(*watching)](
                        http::body_writer& out) { return write_events(shards, out); },
                    "text/event-stream");
        return made;
    });
}

} // namespace sluice

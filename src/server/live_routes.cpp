#include "server/live_feed.hpp"
#include "server/live_page.hpp"
#include "server/process_view.hpp"

#include <sluice/json/writer.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/live_routes.hpp>
#include <sluice/server/server.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace sluice {
namespace {

constexpr unsigned watchers_max = 16;

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

// Ends when its reader goes, and within a second or two when the server drains.
task<result<void>> write_events(std::shared_ptr<live_feed> feed, http::body_writer& out)
{
    std::uint64_t seen = 0;
    while (!draining()) {
        const auto next = co_await feed->after(seen);
        if (!next) co_return fail(next.error());
        if (next->text == nullptr) continue;
        seen = next->number;
        if (auto written = co_await out.write(*next->text); !written) co_return written;
    }
    co_return result<void>();
}

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
    to.get("/live", [feed = std::make_shared<live_feed>(shards)](request&) -> result<response> {
        if (feed->watchers() >= watchers_max) return fail(errc::unavailable, "Too many are watching");
        response made;
        made.header("Cache-Control", "no-store");
        made.stream([feed, mine = std::make_shared<live_feed::place>(*feed)](
                        http::body_writer& out) { return write_events(feed, out); },
                    "text/event-stream");
        return made;
    });
}

} // namespace sluice

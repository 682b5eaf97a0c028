#include "server/shard_view.hpp"

#include "server/shard_server.hpp"

#include <algorithm>

namespace sluice {

shard_view shard_server::view()
{
    const time_point now = steady_clock::now();
    shard_view seen;
    under_way_.for_each([&](exchange& one) {
        if (++seen.requests_under_way > shard_view::requests_max) return;
        const http::request& asked = one.machine.current();
        stage_times stages = one.request_context.stages;
        stages.charge(now);
        seen.oldest.push_back({.method = asked.method(),
                               .route = std::string(asked.route()),
                               .path = std::string(asked.path().substr(0, request_under_way::path_max)),
                               .client = std::string(asked.client()),
                               .trace = one.request_context.trace,
                               .age = now - one.began_at,
                               .head = one.time_of_head(),
                               .stages = stages});
    });
    for (const slow_request& one : slowest_.all()) {
        if (one.matched == nullptr || now - one.ended_at > slow_requests::memory) continue;
        seen.slowest.push_back({.method = one.method,
                                .route = std::string(one.matched->pattern()),
                                .status = one.status,
                                .trace = one.trace,
                                .took = one.took,
                                .ago = now - one.ended_at,
                                .head = one.head,
                                .stages = one.stages});
    }
    std::ranges::sort(seen.slowest, std::ranges::greater(), &finished_request::took);
    return seen;
}

} // namespace sluice

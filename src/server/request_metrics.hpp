// request_metrics: what a shard counts of its requests and connections, under the names of OpenTelemetry's HTTP
// conventions (https://opentelemetry.io/docs/specs/semconv/http/http-metrics/) in their Prometheus form.
//
// A request's distribution is that of its method, route and status: found in a small table by the route's address, so
// that counting one is a look-up and two additions; those that share a place stand beside each other. How many series
// there can be follows from the routes.
//
// Owner: shard_server. Thread: its shard's; the numbers are read by whoever scrapes.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/http/method.hpp>
#include <sluice/http/status.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice {

class route;
class shard;
struct server_counters;

class request_metrics
{
public:
    request_metrics(metric_set& into, const shard& here, const server_counters& connections);

    void began() noexcept { active_ += 1; }
    void ended() noexcept { active_ -= 1; }
    // `matched` is null for what could not be understood.
    void answered(const route* matched, http::method method, http::status status, duration took)
    {
        const std::size_t first = place_of(matched, method, status);
        for (std::size_t i = 0; i < neighbours; ++i) {
            const entry& at = table_[(first + i) % places];
            if (at.took == nullptr) break;
            if (at.matched == matched && at.method == method && at.status == status) [[likely]]
                return at.took->record(took);
        }
        add(matched, method, status).record(took);
    }

private:
    struct entry
    {
        const route* matched = nullptr;
        http::method method{};
        http::status status{};
        latency_histogram* took = nullptr;
    };

    [[nodiscard]] std::size_t place_of(const route* matched, http::method method, http::status status) const noexcept
    {
        const std::uint64_t key = reinterpret_cast<std::uintptr_t>(matched) ^ static_cast<std::uint64_t>(status) << 48 ^
                                  static_cast<std::uint64_t>(method) << 40;
        return key * 0x9E3779B97F4A7C15 >> 56;
    }
    [[gnu::cold]] latency_histogram& add(const route* matched, http::method method, http::status status);

    static constexpr std::size_t places = 256;
    // A series is on its place or on one of the next. Where all are taken the latest gets the first: the set knows all.
    static constexpr std::size_t neighbours = 8;

    metric_set& set_;
    published<double>& active_;
    std::vector<entry> table_{places};
};

} // namespace sluice

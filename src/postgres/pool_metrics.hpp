// pool_metrics: a pool's numbers among those of its shard (telemetry/database_metrics.hpp), and how long statements and
// connections took. Owner: the pool. Thread: its shard's; they are read by whoever scrapes.
#pragma once

#include <sluice/postgres/pool.hpp>
#include <sluice/postgres/statement.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::postgres {

class pool_metrics
{
public:
    // `numbers` and `options` outlive every scrape.
    pool_metrics(metric_set& into, const pool_counters& numbers, const pool_options& options);

    void answered(const statement& what, duration took)
    {
        entry& at = known_[place_of(what)];
        if (at.what != &what) [[unlikely]]
            find(what);
        at.took->record(took);
    }
    void failed(std::string_view sql_state_class);

    void connected(duration took) { create_time_.record(took); }
    // A connection was there at last. What gets one in the turn in which it asks has not waited, and leaves no trace.
    void waited(duration took)
    {
        if (took > duration::zero()) wait_time_.record(took);
    }
    void used(duration took) { use_time_.record(took); }

private:
    struct entry
    {
        const statement* what = nullptr;
        latency_histogram* took = nullptr;
    };
    static constexpr std::size_t places = 64; // the latest of those that share one; the set knows them all

    [[nodiscard]] static std::size_t place_of(const statement& what) noexcept
    {
        return reinterpret_cast<std::uintptr_t>(&what) * 0x9E3779B97F4A7C15 >> 58;
    }
    [[gnu::cold]] void find(const statement& what);

    metric_set& set_;
    latency_histogram& wait_time_;
    latency_histogram& create_time_;
    latency_histogram& use_time_;
    std::array<entry, places> known_{};
};

} // namespace sluice::postgres

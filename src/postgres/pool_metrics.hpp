// pool_metrics: a pool's numbers among those of its shard (telemetry/database_metrics.hpp), and how long its statements
// took. Owner: the pool. Thread: its shard's; they are read by whoever scrapes.
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
    std::array<entry, places> known_{};
};

} // namespace sluice::postgres

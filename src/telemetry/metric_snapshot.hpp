// All series of the process at one moment, those of several shards added up: what a scrape writes out.
#pragma once

#include <sluice/telemetry/metrics.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sluice {

class metric_snapshot
{
public:
    struct series
    {
        double value = 0;                                               // of a histogram: the sum of seconds
        bool found = false;                                             // `value` is that of a set already
        std::array<std::uint64_t, latency_histogram::buckets> counts{}; // of a histogram
    };
    struct family
    {
        const metric_family* what;
        std::map<std::string, series, std::less<>> by_labels; // labels as they stand in the text, without braces
    };

    metric_snapshot();
    [[nodiscard]] const std::map<std::string_view, family>& families() const noexcept { return families_; }

private:
    std::map<std::string_view, family> families_;
};

} // namespace sluice

// How long something took, as a distribution: constant memory, a few nanoseconds a record, any percentile afterwards.
//
// Log-linear buckets in the manner of HdrHistogram: each power of two is divided evenly into eight, so a value is known
// to within an eighth of it at worst, whether it is two microseconds or ten seconds. The unit is 2^-30 s, close to a
// nanosecond, so that the powers of two are those of Prometheus's native histograms (schema 0), and buckets can be
// merged into those without an error. Below 2^-20 s (0.95 µs) there is one bucket, and above 64 s another.
//
// Threads: one records; any reads, at any time. A reader may see a record in its bucket and not yet in the sum.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/published.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {

class latency_histogram
{
public:
    static constexpr int smallest_octave = -20; // in powers of two of a second
    static constexpr int octaves_end = 6;
    static constexpr std::size_t parts = 8; // of an octave
    static constexpr std::size_t buckets = static_cast<std::size_t>(octaves_end - smallest_octave) * parts + 2;

    void record(duration took) noexcept
    {
        const std::int64_t ns = std::max<std::int64_t>(took.count(), 0);
        counts_[bucket_of(took)] += 1;
        sum_ns_ += static_cast<std::uint64_t>(ns);
    }

    [[nodiscard]] static constexpr std::size_t bucket_of(duration took) noexcept
    {
        constexpr double units_a_ns = 1.073741824; // 2^30 / 10^9
        constexpr int first_bit = 30 + smallest_octave;
        const std::int64_t ns = std::max<std::int64_t>(took.count(), 0);
        const auto units = static_cast<std::uint64_t>(static_cast<double>(ns) * units_a_ns);
        if (units < std::uint64_t{1} << first_bit) return 0;
        const int top = 63 - std::countl_zero(units);
        const auto part = static_cast<std::size_t>(units >> (top - 3)) & (parts - 1);
        return std::min(static_cast<std::size_t>(top - first_bit) * parts + part + 1, buckets - 1);
    }
    // Where a bucket ends, in seconds; what is exactly there belongs to the next. The last one has no end: infinity.
    [[nodiscard]] static double end_of(std::size_t bucket) noexcept;

    [[nodiscard]] std::uint64_t count_in(std::size_t bucket) const noexcept { return counts_[bucket].read(); }
    [[nodiscard]] double sum_seconds() const noexcept { return static_cast<double>(sum_ns_.read()) * 1e-9; }

private:
    std::array<event_count, buckets> counts_{};
    event_count sum_ns_;
};

} // namespace sluice

#pragma GCC visibility pop

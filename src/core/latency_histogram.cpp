#include <sluice/core/latency_histogram.hpp>

#include <cmath>
#include <limits>

namespace sluice {

double latency_histogram::end_of(std::size_t bucket) noexcept
{
    if (bucket >= buckets - 1) return std::numeric_limits<double>::infinity();
    const std::size_t octave = bucket / parts; // the first bucket ends where the first octave begins
    const auto into = static_cast<double>(bucket % parts);
    return std::ldexp(1.0 + into / double{parts}, smallest_octave + static_cast<int>(octave));
}

} // namespace sluice

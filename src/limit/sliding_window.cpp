#include "limit/sliding_window.hpp"

#include <sluice/core/assert.hpp>

#include <algorithm>
#include <limits>

namespace sluice::limit {

micros sliding_window::advance(micros now, micros window) noexcept
{
    if (size_ != 0) {
        const micros newest = back_time();
        const micros begun = newest / width(window) * width(window);
        if (newest > now + window)
            size_ = 0;
        else
            now = std::max(now, begun);
    }
    while (size_ != 0 && last_[first_] + window <= now) {
        first_ = static_cast<std::uint8_t>(at(1));
        --size_;
    }
    return now;
}

std::uint64_t sliding_window::used() const noexcept
{
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < size_; ++i) sum += count_[at(i)];
    return sum;
}

void sliding_window::spend(micros last, std::uint32_t count, micros window) noexcept
{
    if (count == 0) return;
    if (size_ != 0 && back_time() / width(window) == last / width(window)) {
        const unsigned newest = at(size_ - 1U);
        last_[newest] = std::max(last_[newest], last);
        count_[newest] += std::min(count, std::numeric_limits<std::uint32_t>::max() - count_[newest]);
        return;
    }
    SLUICE_ASSERT(size_ < buckets); // advance() comes first
    const unsigned next = at(size_);
    last_[next] = last;
    count_[next] = count;
    ++size_;
}

std::uint32_t sliding_window::give_back(micros last, std::uint32_t count, micros window) noexcept
{
    for (unsigned i = 0; i < size_; ++i) {
        if (last_[at(i)] / width(window) == last / width(window)) {
            const std::uint32_t less = std::min(count, count_[at(i)]);
            count_[at(i)] -= less;
            return less;
        }
    }
    return 0;
}

micros sliding_window::leaves_at(std::uint64_t count, micros now, micros window) const noexcept
{
    std::uint64_t gone = 0;
    micros when = now;
    for (unsigned i = 0; i < size_ && gone < count; ++i) {
        gone += count_[at(i)];
        when = last_[at(i)] + window;
    }
    return when;
}

} // namespace sluice::limit

#include "cache/entry_index.hpp"

namespace sluice::cache {

void entry_index::clear() noexcept
{
    // A part that large, so that none is left of a generation when its number comes again.
    const std::uint32_t part = count_ / 128 + 1;
    for (std::uint32_t i = 0; i < part; ++i) {
        std::memset(&lines_[wiped_], 0, sizeof(line));
        lines_[wiped_].generation = generation_;
        wiped_ = wiped_ + 1 == count_ ? 0 : wiped_ + 1;
    }
    ++generation_;
}

} // namespace sluice::cache

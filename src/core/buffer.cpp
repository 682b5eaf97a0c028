#include <sluice/core/buffer.hpp>

#include <algorithm>

namespace sluice {

void buffer::grow(std::size_t bytes)
{
    const std::size_t kept = size();
    // What was consumed is room as well, where moving the rest there costs less than half of what it wins.
    if (capacity_ - kept >= bytes && begin_ >= kept) {
        std::memmove(data_, data_ + begin_, kept);
    } else {
        // Doubles, but stops at the largest block that the pool keeps: every large response passes there.
        const std::size_t more =
            capacity_ < pool_block_max ? std::min(2 * capacity_, pool_block_max) : capacity_ + capacity_ / 2;
        const std::size_t capacity = pool_round_up(std::max(kept + bytes, more));
        auto* data = static_cast<char*>(pool_allocate(capacity));
        if (data_ != nullptr) {
            std::memcpy(data, data_ + begin_, kept);
            pool_deallocate(data_, capacity_);
        }
        data_ = data;
        capacity_ = capacity;
    }
    begin_ = 0;
    end_ = kept;
}

} // namespace sluice

#include "cache/entry_queue.hpp"

#include <sluice/core/assert.hpp>

#include <algorithm>

namespace sluice::cache {

std::uint32_t entry_queue::append(std::uint32_t units) noexcept
{
    SLUICE_ASSERT(has_room(units));
    if (!wrapped_ && end_ - head_ < units) {
        wrap_ = head_;
        wrapped_ = true;
        head_ = begin_;
    }
    const std::uint32_t place = head_;
    head_ += units;
    if (head_ > reached_) reached_ = head_;
    return place;
}

void entry_queue::pop_front(std::uint32_t units) noexcept
{
    tail_ += units;
    if (wrapped_ && tail_ == wrap_) {
        wrapped_ = false;
        tail_ = begin_;
    }
    if (empty()) tail_ = head_ = begin_;
}

void entry_queue::clear() noexcept
{
    tail_ = head_ = begin_;
    wrapped_ = false;
}

} // namespace sluice::cache

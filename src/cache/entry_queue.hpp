// Entries one behind the other, in the order in which they came, in a ring of units; none is split by the ring's end.
//
// It knows where entries begin and end and nothing else of them. Owned by a tier.
#pragma once

#include <sluice/core/published.hpp>

#include <cstdint>

namespace sluice::cache {

class entry_queue
{
public:
    // The ring lies in [begin, end).
    entry_queue(std::uint32_t begin, std::uint32_t end) noexcept : begin_(begin), end_(end), reached_(begin)
    {
        clear();
    }

    [[nodiscard]] bool empty() const noexcept { return !wrapped_ && tail_ == head_; }
    [[nodiscard]] bool contains(std::uint32_t place) const noexcept { return place >= begin_ && place < end_; }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return end_ - begin_; }
    // How far the ring's memory was ever used.
    [[nodiscard]] std::uint32_t reached() const noexcept { return reached_ - begin_; }

    [[nodiscard]] bool has_room(std::uint32_t units) const noexcept
    {
        if (wrapped_) return tail_ - head_ >= units;
        return end_ - head_ >= units || tail_ - begin_ >= units;
    }
    // Where the new entry lies. There must be room: otherwise it would lie on others.
    std::uint32_t append(std::uint32_t units) noexcept;

    // Of one that is not empty.
    [[nodiscard]] std::uint32_t front() const noexcept { return tail_; }
    // `units`: of the first entry, whose memory stays as it is until the next append().
    void pop_front(std::uint32_t units) noexcept;

    void clear() noexcept;

private:
    const std::uint32_t begin_;
    const std::uint32_t end_;
    std::uint32_t tail_ = 0;
    std::uint32_t head_ = 0;
    // Where the first part ends while the entries go on at begin_.
    std::uint32_t wrap_ = 0;
    published<std::uint32_t> reached_; // any thread may ask
    bool wrapped_ = false;
};

} // namespace sluice::cache

// A bounded queue from one thread to one other, without locks: a ring of a power of two with two positions.
//
// Each side keeps its own copy of the other's position and looks at the shared one only when the copy says full or
// empty, so a batch costs one cache miss and not one an element. Capacity is rounded up to a power of two.
#pragma once

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

template <class T> class spsc_queue
{
public:
    explicit spsc_queue(std::size_t capacity) : slots_(std::bit_ceil(capacity)), mask_(slots_.size() - 1) {}

    [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

    // The producer: false if it is full; `value` is untouched then.
    template <class U = T>
        requires std::assignable_from<T&, U>
    [[nodiscard]] bool try_push(U&& value)
    {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_seen_ == slots_.size()) {
            head_seen_ = head_.load(std::memory_order_acquire);
            if (tail - head_seen_ == slots_.size()) return false;
        }
        slots_[tail & mask_] = std::forward<U>(value);
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    // The consumer: false if it is empty.
    [[nodiscard]] bool try_pop(T& value)
    {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_seen_) {
            tail_seen_ = tail_.load(std::memory_order_acquire);
            if (head == tail_seen_) return false;
        }
        value = std::move(slots_[head & mask_]);
        head_.store(head + 1, std::memory_order_release);
        return true;
    }

private:
    static constexpr std::size_t line = 64;

    std::vector<T> slots_;
    std::size_t mask_;
    alignas(line) std::atomic<std::size_t> tail_{0}; // written by the producer
    std::size_t head_seen_ = 0;                      // the producer's
    alignas(line) std::atomic<std::size_t> head_{0}; // written by the consumer
    std::size_t tail_seen_ = 0;                      // the consumer's
};

} // namespace sluice

#pragma GCC visibility pop

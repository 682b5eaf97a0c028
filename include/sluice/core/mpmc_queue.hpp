// A bounded queue between any number of threads: D. Vyukov's, a ring whose slots carry the turn at which they may be
// written and read. A push that has claimed its slot and not filled it yet hides what was pushed behind it for that
// moment: try_pop() may say empty although a later push has returned.
#pragma once

#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

template <class T> class mpmc_queue
{
public:
    explicit mpmc_queue(std::size_t capacity)
        : size_(std::bit_ceil(capacity < 2 ? 2 : capacity)), slots_(std::make_unique<slot[]>(size_))
    {
        for (std::size_t i = 0; i < size_; ++i) slots_[i].turn.store(i, std::memory_order_relaxed);
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return size_; }

    // False if it is full; `value` is untouched then.
    template <class U = T>
        requires std::assignable_from<T&, U>
    [[nodiscard]] bool try_push(U&& value)
    {
        std::size_t at = tail_.load(std::memory_order_relaxed);
        for (;;) {
            slot& s = slots_[at & (size_ - 1)];
            const auto behind = static_cast<std::ptrdiff_t>(s.turn.load(std::memory_order_acquire) - at);
            if (behind < 0) return false;
            if (behind == 0 && tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
                s.value = std::forward<U>(value);
                s.turn.store(at + 1, std::memory_order_release);
                return true;
            }
            if (behind > 0) at = tail_.load(std::memory_order_relaxed);
        }
    }

    // False if it is empty (see above).
    [[nodiscard]] bool try_pop(T& value)
    {
        std::size_t at = head_.load(std::memory_order_relaxed);
        for (;;) {
            slot& s = slots_[at & (size_ - 1)];
            const auto behind = static_cast<std::ptrdiff_t>(s.turn.load(std::memory_order_acquire) - (at + 1));
            if (behind < 0) return false;
            if (behind == 0 && head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
                value = std::move(s.value);
                s.turn.store(at + size_, std::memory_order_release);
                return true;
            }
            if (behind > 0) at = head_.load(std::memory_order_relaxed);
        }
    }

private:
    static constexpr std::size_t line = 64;
    struct slot
    {
        std::atomic<std::size_t> turn;
        T value{};
    };

    std::size_t size_;
    std::unique_ptr<slot[]> slots_;
    alignas(line) std::atomic<std::size_t> tail_{0};
    alignas(line) std::atomic<std::size_t> head_{0};
};

} // namespace sluice

#pragma GCC visibility pop

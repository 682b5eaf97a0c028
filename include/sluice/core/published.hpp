// A number that one thread changes and every thread may read: what counters and gauges are made of.
//
// The problem: a shard counts all the time, and whoever watches it must not stop it. The answer: a relaxed atomic with
// one writer. For the writer it costs what a plain number costs, since nothing is locked: it loads, adds and stores.
// A reader sees some recent value, and no order between two of them. A copy is a snapshot.
//
// Threads: one changes it; any reads it.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {

template <class T>
    requires std::integral<T> || std::floating_point<T>
class published
{
public:
    constexpr published(T value = {}) noexcept : value_(value) {}
    published(const published& other) noexcept : value_(other.read()) {}
    published& operator=(const published& other) noexcept { return *this = other.read(); }
    published& operator=(T value) noexcept
    {
        value_.store(value, std::memory_order_relaxed);
        return *this;
    }

    [[nodiscard]] T read() const noexcept { return value_.load(std::memory_order_relaxed); }
    operator T() const noexcept { return read(); }

    published& operator+=(T more) noexcept { return *this = static_cast<T>(read() + more); }
    published& operator-=(T less) noexcept { return *this = static_cast<T>(read() - less); }
    published& operator++() noexcept { return *this += T{1}; }
    published& operator--() noexcept { return *this -= T{1}; }

private:
    static_assert(std::atomic<T>::is_always_lock_free);
    std::atomic<T> value_;
};

using event_count = published<std::uint64_t>;

} // namespace sluice

#pragma GCC visibility pop

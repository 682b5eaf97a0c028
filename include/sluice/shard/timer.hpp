// Timers of a shard: a hierarchical timing wheel (Varghese and Lauck, 1987; six levels of 64 slots, a tick of 2^20 ns).
//
// Arming, cancelling and re-arming take constant time, no allocation and no system call: the shard keeps one ring
// timeout for the earliest of them. A timer fires in the first turn after its time, never before it, and at most one
// tick (about a millisecond) and one turn late. Times further away than the wheel reaches (two years) fire when it
// ends.
//
// Thread: a shard's. The clock is the shard's; tests bring their own time to advance().
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/intrusive_list.hpp>

#include <array>
#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {

// Embedded in its owner, which cancels it before it dies (asserted).
class timer : public list_node<timer>
{
public:
    using function = void (*)(timer&);
    using called_by_loop = void;
    explicit timer(function f) noexcept : fire_(f) {}
    [[nodiscard]] bool armed() const noexcept { return linked(); }

private:
    friend class timer_wheel;
    function fire_;
    std::uint64_t tick_ = 0;
    std::uint8_t level_ = 0;
    std::uint8_t slot_ = 0;
};

class timer_wheel
{
public:
    explicit timer_wheel(time_point now) noexcept;
    ~timer_wheel();

    // An armed timer is moved. A time that has passed fires at the next advance().
    void arm(timer& t, time_point when) noexcept;
    void cancel(timer& t) noexcept;

    // When advance() has something to do at the earliest; `never` without timers. Not later than the earliest timer.
    [[nodiscard]] time_point next() const noexcept;
    // Fires every timer whose time has come; they may arm and cancel any timer.
    void advance(time_point now);

private:
    static constexpr unsigned levels = 6;
    static constexpr unsigned slot_bits = 6;
    static constexpr unsigned slots = 1U << slot_bits;
    using slot_list = intrusive_list<timer, timer>;

    struct expiry
    {
        std::uint64_t tick;
        unsigned level;
        unsigned slot;
    };
    void place(timer& t) noexcept;
    [[nodiscard]] bool next_expiry(expiry& found) const noexcept;

    std::uint64_t now_;                            // in ticks
    std::array<std::uint64_t, levels> occupied_{}; // a bit a slot
    std::array<std::array<slot_list, slots>, levels> wheel_;
};

} // namespace sluice

#pragma GCC visibility pop

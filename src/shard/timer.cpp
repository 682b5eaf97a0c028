#include <sluice/core/turn_watch.hpp>
#include <sluice/shard/timer.hpp>

#include <algorithm>
#include <bit>

namespace sluice {

namespace {

constexpr unsigned tick_shift = 20; // nanoseconds to ticks

// Rounded up, so that nothing fires early.
constexpr std::uint64_t tick_at_or_after(time_point when) noexcept
{
    const auto since = static_cast<std::uint64_t>(std::max<std::int64_t>(when.time_since_epoch().count(), 0));
    return (since + ((std::uint64_t(1) << tick_shift) - 1)) >> tick_shift;
}

constexpr std::uint64_t tick_at_or_before(time_point when) noexcept
{
    return static_cast<std::uint64_t>(std::max<std::int64_t>(when.time_since_epoch().count(), 0)) >> tick_shift;
}

} // namespace

timer_wheel::timer_wheel(time_point now) noexcept : now_(tick_at_or_before(now)) {}
timer_wheel::~timer_wheel() = default;

void timer_wheel::arm(timer& t, time_point when) noexcept
{
    cancel(t);
    // Less than a whole round of the top level, or a timer could land in the slot that is now.
    constexpr std::uint64_t reach = (std::uint64_t(slots - 1) << ((levels - 1) * slot_bits)) - 1;
    t.tick_ = std::min(tick_at_or_after(when), now_ + reach);
    place(t);
}

void timer_wheel::cancel(timer& t) noexcept
{
    if (!t.armed()) return;
    t.unlink();
    if (wheel_[t.level_][t.slot_].empty()) occupied_[t.level_] &= ~(std::uint64_t(1) << t.slot_);
}

// The level is that of the highest digit in which the timer's tick differs from now: everything in a level therefore
// shares all higher digits with now, and no slot holds two rounds of the wheel (the top level may wrap once).
void timer_wheel::place(timer& t) noexcept
{
    const std::uint64_t tick = std::max(t.tick_, now_ + 1); // what is due fires at the next tick
    const std::uint64_t differing = (tick ^ now_) | (slots - 1);
    const unsigned level = std::min((63U - static_cast<unsigned>(std::countl_zero(differing))) / slot_bits, levels - 1);
    const unsigned slot = static_cast<unsigned>(tick >> (level * slot_bits)) & (slots - 1);
    t.level_ = static_cast<std::uint8_t>(level);
    t.slot_ = static_cast<std::uint8_t>(slot);
    wheel_[level][slot].push_back(t);
    occupied_[level] |= std::uint64_t(1) << slot;
}

bool timer_wheel::next_expiry(expiry& found) const noexcept
{
    // Lower levels always come first.
    for (unsigned level = 0; level < levels; ++level) {
        if (occupied_[level] == 0) continue;
        const unsigned shift = level * slot_bits;
        const unsigned here = static_cast<unsigned>(now_ >> shift) & (slots - 1);
        const unsigned distance =
            static_cast<unsigned>(std::countr_zero(std::rotr(occupied_[level], static_cast<int>(here))));
        const std::uint64_t start = (now_ >> shift) << shift;
        found = {.tick = std::max(start + (std::uint64_t(distance) << shift), now_),
                 .level = level,
                 .slot = (here + distance) & (slots - 1)};
        return true;
    }
    return false;
}

time_point timer_wheel::next() const noexcept
{
    expiry found{};
    if (!next_expiry(found)) return never;
    return time_point(duration(static_cast<std::int64_t>(found.tick << tick_shift)));
}

void timer_wheel::advance(time_point now)
{
    const std::uint64_t target = tick_at_or_before(now);
    expiry found{};
    while (next_expiry(found) && found.tick <= target) {
        now_ = found.tick;
        slot_list due;
        due.splice_back(wheel_[found.level][found.slot]);
        occupied_[found.level] &= ~(std::uint64_t(1) << found.slot);
        while (!due.empty()) {
            timer& t = due.pop_front();
            if (t.tick_ > now_) {
                place(t);
                continue;
            }
            turn_watch::current().cut();
            t.fire_(t);
        }
    }
    now_ = std::max(now_, target);
}

} // namespace sluice

// The requests that one key spent in the last window, as a counter over sub-windows.
//
// The problem: an exact log keeps a time for each request, and two weighted windows let almost twice the limit through.
// The answer: time is cut into sub-windows, fifteen to a window. All that is spent in one of them is one count with the
// time of the last of it, and counts in full until that last one has left the window. So what is counted is never less
// than what the window holds, wherever the requests lay: the limit is never passed, and the error, to refuse for up to
// a fifteenth of a window longer, is on the safe side. docs/decisions has the proof, and src/limit/script.cpp the same
// arithmetic for Redis.
//
// A value of 16 counts. Times are microseconds of whoever counts; they may stand still, and step back.
#pragma once

#include <array>
#include <cstdint>

namespace sluice::limit {

using micros = std::uint64_t;

class sliding_window
{
public:
    static constexpr unsigned sub_windows = 15;

    [[nodiscard]] static constexpr micros width(micros window) noexcept
    {
        return (window + sub_windows - 1) / sub_windows;
    }

    // Forgets what has left the window. Gives the time to go on with: not before the sub-window of what was spent last,
    // since a clock that was set back must not open the window again; after a step of more than a window all is
    // forgotten. Before any other call with that time.
    micros advance(micros now, micros window) noexcept;

    [[nodiscard]] std::uint64_t used() const noexcept;
    // Spent in the sub-window of `last`, and at that time at the latest.
    void spend(micros last, std::uint32_t count, micros window) noexcept;
    // Of what was spent in the sub-window of `last`, so much was not used. Gives how much of that was still counted.
    std::uint32_t give_back(micros last, std::uint32_t count, micros window) noexcept;
    // When `count` will have left, if no more is spent; `now` for none.
    [[nodiscard]] micros leaves_at(std::uint64_t count, micros now, micros window) const noexcept;
    // When all has left.
    [[nodiscard]] micros empty_at(micros window) const noexcept { return size_ == 0 ? 0 : back_time() + window; }

private:
    static constexpr unsigned buckets = sub_windows + 1; // a window touches one more than it holds

    [[nodiscard]] unsigned at(unsigned i) const noexcept { return (first_ + i) % buckets; }
    [[nodiscard]] micros back_time() const noexcept { return last_[at(size_ - 1U)]; }

    std::array<micros, buckets> last_ = {};         // a ring, the oldest first
    std::array<std::uint32_t, buckets> count_ = {}; // beside it
    std::uint8_t first_ = 0;
    std::uint8_t size_ = 0;
};

} // namespace sluice::limit

// Was it right to drop what left the small queue without having been asked for?
//
// Mostly it was, and that is what holds scans off. But where what is asked for changes as a whole (one loop after
// another, a new hot set), each key would have to come three times before it is kept. So the share of the dropped keys
// that come back soon is watched, over about as many as the tier has entries: above a quarter, all go on into the main
// queue, of which every eighth is watched, by which it is seen when that has ceased to be right. Zipf's and scans'
// share is a few per cent. Where one dropped key after the other comes back, that is a loop, and nobody waits for the
// share.
//
// A tier's, of its thread.
#pragma once

#include "cache/ghosts.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::cache {

class admission
{
public:
    enum class fate : std::uint8_t
    {
        dropped,
        goes_on,
        goes_on_watched,
    };
    // Of the next one that leaves the small queue unused; `entries`: how many the tier has.
    [[nodiscard]] fate of_next(std::uint64_t entries) noexcept
    {
        count(entries);
        if (admits_ && ++admitted_ % sample != 0) return fate::goes_on;
        dropped_ += 1;
        return admits_ ? fate::goes_on_watched : fate::dropped;
    }
    // One that was dropped or watched is asked for again.
    void came_back_soon(std::uint64_t entries) noexcept
    {
        came_back_ += 1;
        count(entries);
    }
    // A key that is not there is put: how long ago was it dropped? A run with an old one in it is of a loop that
    // does not fit.
    void is_put(ghosts::age dropped) noexcept
    {
        run_ = dropped == ghosts::age::forgotten ? 0 : dropped == ghosts::age::old ? loop_run : run_ + 1;
        if (run_ != loop_run || dropped == ghosts::age::old) return;
        admits_ = true;
        came_back_ = std::max(came_back_, dropped_);
        since_decision_ = 0;
    }

    // All go on: the main queue is a plain clock then.
    [[nodiscard]] bool admits() const noexcept { return admits_; }

private:
    static constexpr std::uint64_t decisions_an_age = 8;
    static constexpr std::uint32_t sample = 8;
    static constexpr double regret_max = 0.25;
    static constexpr std::uint64_t loop_run = 16;

    void count(std::uint64_t entries) noexcept
    {
        if (++since_decision_ <= entries / decisions_an_age) return;
        admits_ = came_back_ > regret_max * dropped_;
        came_back_ -= came_back_ / decisions_an_age;
        dropped_ -= dropped_ / decisions_an_age;
        since_decision_ = 0;
    }

    // Both fade.
    double dropped_ = 0;
    double came_back_ = 0;
    std::uint64_t since_decision_ = 0;
    std::uint64_t run_ = 0;
    std::uint32_t admitted_ = 0;
    bool admits_ = false;
};

} // namespace sluice::cache

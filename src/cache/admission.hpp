// Was it right to drop what left the small queue without having been asked for?
//
// Mostly it was, and that is what holds scans off. But where what is asked for changes as a whole (one loop after
// another, a new hot set), each key would have to come three times before it is kept. So the share of the dropped keys
// that come back soon is watched, over about as many as the tier has entries: above a quarter, all go on into the main
// queue, but for every eighth, by which it is seen when that has ceased to be right. Zipf's and scans' share is a few
// per cent.
//
// A tier's, of its thread.
#pragma once

#include <cstdint>

namespace sluice::cache {

class admission
{
public:
    // Another one leaves the small queue unused; `entries`: how many the tier has. Does it go on?
    [[nodiscard]] bool admits_next(std::uint64_t entries) noexcept
    {
        if (++since_decision_ > entries / decisions_an_age) decide();
        if (admits_ && ++admitted_ % sample != 0) return true;
        dropped_ += 1;
        return false;
    }
    void came_back_soon() noexcept { came_back_ += 1; }

    // All go on: the main queue is a plain clock then.
    [[nodiscard]] bool admits() const noexcept { return admits_; }

private:
    static constexpr std::uint64_t decisions_an_age = 8;
    static constexpr std::uint32_t sample = 8;
    static constexpr double regret_max = 0.25;

    void decide() noexcept
    {
        admits_ = came_back_ > regret_max * dropped_;
        came_back_ -= came_back_ / decisions_an_age;
        dropped_ -= dropped_ / decisions_an_age;
        since_decision_ = 0;
    }

    // Both fade.
    double dropped_ = 0;
    double came_back_ = 0;
    std::uint64_t since_decision_ = 0;
    std::uint32_t admitted_ = 0;
    bool admits_ = false;
};

} // namespace sluice::cache

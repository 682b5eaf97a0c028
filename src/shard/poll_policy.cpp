#include "shard/poll_policy.hpp"

#include <algorithm>

namespace sluice {

namespace {

constexpr duration poll_max = std::chrono::microseconds(100);
constexpr duration wait_worth_polling = std::chrono::microseconds(60);
constexpr std::uint64_t completions_few_x16 = 4 * 16;

} // namespace

duration poll_policy::budget() const noexcept
{
    switch (mode_) {
    case busy_poll_mode::off:
        return {};
    case busy_poll_mode::fixed:
        return fixed_;
    case busy_poll_mode::automatic:
        break;
    }
    return waited_ < wait_worth_polling && completions_x16_ <= completions_few_x16 ? poll_max : duration{};
}

void poll_policy::observe(duration waited, std::size_t completions) noexcept
{
    // A single long wait must not be forgotten by the next short one, nor drown them: cap it, weigh it an eighth.
    waited_ += (std::min(waited, duration(std::chrono::milliseconds(1))) - waited_) / 8;
    completions_x16_ += (completions * 16 - completions_x16_) / 8 + 0;
}

} // namespace sluice

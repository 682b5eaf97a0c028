#include "cache/tier_state.hpp"

#include <sluice/cache/first_tier.hpp>

namespace sluice::cache {

first_tier::first_tier(const first_tier_options& options)
{
    if (options.bytes >= first_tier_bytes_min) state_ = std::make_unique<tier_state>(tier_plan(options));
}

first_tier::~first_tier() = default;

std::optional<cached> first_tier::find(std::uint64_t hash, std::string_view key, time_point now) noexcept
{
    return state_ ? state_->find(hash, key, now) : std::nullopt;
}

void first_tier::put(std::uint64_t hash, std::string_view key, std::string_view value, time_point fresh_until,
                     time_point stale_until, entry_flags flags) noexcept
{
    if (state_) state_->put({hash, key, value, fresh_until, stale_until, flags});
}

bool first_tier::erase(std::uint64_t hash, std::string_view key) noexcept { return state_ && state_->erase(hash, key); }

void first_tier::clear() noexcept
{
    if (state_) state_->clear();
}

first_tier_counters first_tier::counters() const noexcept
{
    return state_ ? state_->counters() : first_tier_counters{};
}

} // namespace sluice::cache

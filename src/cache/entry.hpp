// How an entry lies in memory: this header, the key, the value, and what an earlier, longer value left unused.
//
// Sizes and places in a tier are counted in units of eight bytes, so that 32 bits reach 32 GiB.
#pragma once

#include <sluice/cache/first_tier.hpp>
#include <sluice/core/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace sluice::cache {

inline constexpr std::size_t unit_bytes = 8;
inline constexpr std::size_t key_bytes_max = std::numeric_limits<std::uint16_t>::max();
inline constexpr std::uint32_t slack_units_max = std::numeric_limits<std::uint8_t>::max();
// How often an entry was asked for is counted up to this.
inline constexpr std::uint8_t uses_max = 3;

struct entry
{
    std::uint64_t hash;
    time_point fresh_until;
    time_point stale_until;
    std::uint32_t value_bytes;
    std::uint16_t key_bytes;
    std::uint8_t slack_units;
    entry_flags flags : 4;
    std::uint8_t uses : 2;
    bool watched : 1; // it went on unused: does it come back soon (admission.hpp)?
    bool dead : 1;    // erased, expired, or out of the index: only its place is left

    [[nodiscard]] char* key_data() noexcept { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] char* value_data() noexcept { return key_data() + key_bytes; }
    [[nodiscard]] std::string_view key() noexcept { return {key_data(), key_bytes}; }
    [[nodiscard]] std::string_view value() noexcept { return {value_data(), value_bytes}; }
    [[nodiscard]] std::uint32_t units() const noexcept;
};
static_assert(sizeof(entry) == 32 && alignof(entry) == unit_bytes);

// `key` and `value` together are at most a few GiB.
constexpr std::uint32_t units_for(std::size_t key, std::size_t value) noexcept
{
    return static_cast<std::uint32_t>((sizeof(entry) + key + value + unit_bytes - 1) / unit_bytes);
}
inline std::uint32_t entry::units() const noexcept { return units_for(key_bytes, value_bytes) + slack_units; }

} // namespace sluice::cache

// XXH3 of bytes, for tables and caches. Not for untrusted keys without the process's seed, which these functions use.
#pragma once

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes) noexcept;

// The same in every process and for ever, to name what processes share. No secret keeps two texts from being made
// to meet.
struct name_hash
{
    std::uint64_t high;
    std::uint64_t low;
};
[[nodiscard]] name_hash hash_name(std::string_view bytes) noexcept;

} // namespace sluice

#pragma GCC visibility pop

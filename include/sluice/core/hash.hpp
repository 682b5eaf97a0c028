// XXH3 of bytes, for tables and caches. Not for untrusted keys without the process's seed, which these functions use.
#pragma once

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes) noexcept;
}

#pragma GCC visibility pop

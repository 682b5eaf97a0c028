// Random bits of this thread: xoshiro256++ (Blackman and Vigna), seeded once by getrandom. For ids and jitter; not for
// secrets.
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {
[[nodiscard]] std::uint64_t random_bits() noexcept;
}

#pragma GCC visibility pop

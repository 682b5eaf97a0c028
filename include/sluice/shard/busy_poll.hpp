// How long a shard looks for completions before it sleeps in the kernel: a setting (reactor.busy_poll).
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {

enum class busy_poll_mode : std::uint8_t
{
    off,
    automatic, // only while that has been paying lately
    fixed,     // always, for a given time
};

} // namespace sluice

#pragma GCC visibility pop

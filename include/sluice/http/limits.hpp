// Bounds of one HTTP connection; each is a setting (limits.* in the configuration), and body_bytes can be set for each
// route.
#pragma once

#include <cstddef>
#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice::http {

struct limits
{
    std::size_t header_bytes = 16 * 1024;    // request line and fields together: 431
    std::size_t headers = 100;               // fields: 431
    std::size_t uri_bytes = 8 * 1024;        // target: 414
    std::uint64_t body_bytes = 1024 * 1024;  // 413
    std::size_t pipelined_bytes = 64 * 1024; // received ahead of the request that is being answered: receiving stops
    std::size_t unsent_bytes = 256 * 1024;   // answered and not yet sent: answering stops
};

} // namespace sluice::http

#pragma GCC visibility pop

// What the limiter says to one request. Values.
#pragma once

#include <sluice/limit/policy.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice::limit {

// How a client stands under one quota.
struct standing
{
    std::uint32_t left = 0;
    std::uint64_t more_in = 0; // microseconds until something comes back, if nothing more is spent
};

enum class outcome : std::uint8_t
{
    passes,
    refused,    // over the limit
    unanswered, // Redis does not answer, and without it none may pass
};

struct decision
{
    outcome is = outcome::passes;
    std::chrono::microseconds retry_in{0}; // where it does not pass
    std::size_t quotas = 0;                // of the policy, in its order
    std::array<standing, quotas_max> standings = {};
};

} // namespace sluice::limit

#pragma GCC visibility pop

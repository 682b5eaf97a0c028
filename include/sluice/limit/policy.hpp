// What a client may do: so many requests in any window of such a length, of several lengths at once.
//
//     limit::policy{.name = "search", .quotas = {{.requests = 10, .window = 1s}, {.requests = 1000, .window = 1h}}}
//
// A request that all quotas have room for is counted in each; any other in none. Values: any thread.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice::limit {

struct quota
{
    std::uint32_t requests = 0;                 // of cost 1
    duration window = std::chrono::seconds(60); // any of this length, wherever it begins
    friend bool operator==(const quota&, const quota&) = default;
};

inline constexpr std::size_t quotas_max = 4;
inline constexpr std::size_t policy_name_max = 32;
inline constexpr duration window_min = std::chrono::milliseconds(10);
inline constexpr duration window_max = std::chrono::hours(24 * 31);

// What becomes of requests while Redis, which counts for all processes, does not answer.
enum class on_failure : std::uint8_t
{
    local,  // the process counts by itself
    open,   // all pass
    closed, // none pass: 503
};

struct policy
{
    std::string name = "default"; // in RateLimit fields, and in Redis: who has the same windows, too, shares the counts
    std::vector<quota> quotas = {};
    on_failure without_redis = on_failure::local;
    friend bool operator==(const policy&, const policy&) = default;
};

// A name of letters, digits, "-" and "_"; one to four quotas of different windows, each of at least one
// request.
[[nodiscard]] result<void> check(const policy& p);

// As the RateLimit fields call it: the policy's name; where there are several, with the window: "search-1h".
[[nodiscard]] std::string quota_name(const policy& p, std::size_t index);

// For people: "10/1s, 1000/1h".
[[nodiscard]] std::string to_string(const policy& p);

} // namespace sluice::limit

#pragma GCC visibility pop

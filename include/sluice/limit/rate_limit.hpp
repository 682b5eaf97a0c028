// A rate limit of the process: its policy, and what all shards know of it together.
//
//     limit::rate_limit all({.quotas = {{.requests = 100, .window = 60s}}}, {.shards = shard_count});
//     server.on_shard([&](shard& s, router& routes) {
//         auto& limiter = s.own<limit::limiter>(s, all, redis);           // null: the process counts by itself
//         auto& limited = s.own<rate_limiting>(limiter);
//         routes.group("/users").use(limited); …
//
// The policy can change while requests run: shards read the one in force without a lock, with the next request. Where a
// window changes, counting begins anew; where only a limit does, what was counted stays. Policies that were in force
// stay in memory: changes are an operator's.
//
// Made before the shards, outlives them. Its methods: any thread.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/limit/policy.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::limit {

class limit_state;

struct rate_limit_options
{
    unsigned shards = 1;           // of the process, all that there are (asserted)
    std::size_t keys = 65536;      // clients that the process keeps counts of, where it counts
    std::size_t remembered = 4096; // clients that each shard keeps answers about
    duration redis_patience = std::chrono::milliseconds(250); // for an answer
};

class rate_limit
{
public:
    rate_limit(policy p, rate_limit_options options); // throws std::invalid_argument for what check() refuses
    ~rate_limit();
    rate_limit(const rate_limit&) = delete;
    rate_limit& operator=(const rate_limit&) = delete;

    [[nodiscard]] result<void> change(policy to);
    // Lives as long as this.
    [[nodiscard]] const policy& in_force() const noexcept;
    // As the RateLimit-Policy field says it: "default";q=100;w=60
    [[nodiscard]] std::string_view policy_field() const noexcept;
    // Is Redis known not to answer, so that the policy's without_redis holds?
    [[nodiscard]] bool without_redis() const noexcept;
    // The same for readiness, as an error. One that answers pings may still decide nothing: full, or read-only.
    [[nodiscard]] result<void> ready() const;
    // Are requests refused meanwhile?
    [[nodiscard]] bool needs_redis() const noexcept { return in_force().without_redis == on_failure::closed; }

    [[nodiscard]] limit_state& state() const noexcept { return *state_; } // for limiters

private:
    std::unique_ptr<limit_state> state_;
};

} // namespace sluice::limit

#pragma GCC visibility pop

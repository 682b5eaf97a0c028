// How a shard comes to a decision: its own memory, then one question to Redis or to the key's home.
#pragma once

#include "limit/limit_state.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/core/published.hpp>
#include <sluice/coro/event.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/limit/limiter.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/shard/timer.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <array>
#include <optional>
#include <string>

namespace sluice::limit {

class limiter_state
{
public:
    limiter_state(shard& on, rate_limit& of, redis::client* redis);
    ~limiter_state();

    [[nodiscard]] std::optional<decision> decide_at_once(const client_key& key, std::uint64_t hash, std::uint32_t cost);
    [[nodiscard]] task<decision> decide(client_key key, std::uint64_t hash, std::uint32_t cost);
    [[nodiscard]] limiter_counters counters() const;
    void expose(metric_set& in) const;

    const rate_limit& of;

private:
    // Changed here, read by whoever scrapes.
    struct counts
    {
        event_count passed, refused, unanswered, asked_redis, asked_home, joined, failures, crowded, spent, unreadable;
    };

    // A question that is under way, in the frame of who asked it: others of that key may wait for its lease, if they
    // have as much time for it.
    struct under_way : list_node<under_way>
    {
        client_key key;
        time_point until;        // it waits for Redis no longer
        std::uint32_t spare = 0; // of the lease that is hoped for
        event answered;
    };

    [[nodiscard]] place& mine() noexcept { return shared_.at(shard_.index()); }
    [[nodiscard]] const prepared& in_force();
    [[nodiscard]] decision count(decision made) noexcept;
    [[nodiscard]] decision without_redis(const prepared& now, bool open) noexcept;
    [[nodiscard]] under_way* find(const client_key& key, std::uint64_t hash, std::uint32_t cost,
                                  time_point until) noexcept;
    [[nodiscard]] task<decision> ask(client_key key, std::uint64_t hash, std::uint32_t cost, under_way& question_of);
    [[nodiscard]] task<result<verdict>> ask_redis_or_home(client_key key, std::uint64_t hash, std::uint32_t cost,
                                                          const prepared& now, question q);
    [[nodiscard]] task<result<verdict>> ask_redis_for(const client_key& key, const prepared& now, question& q);
    [[nodiscard]] bool says_nothing_of_redis(const error& why, duration had);
    [[nodiscard]] task<verdict> ask_home(client_key key, std::uint64_t hash, const prepared& now, question q);
    enum class trust : std::uint8_t
    {
        this_outage, // what the home was told in it holds
        nothing,     // of what it was told before
    };
    [[nodiscard]] task<spent_counts> known_at_home(client_key key, std::uint64_t hash, const prepared& now,
                                                   trust in = trust::this_outage);
    [[nodiscard]] std::uint32_t run_of_redis();
    // Adds to a question for Redis what it may not have heard of.
    [[nodiscard]] task<void> hand_over(client_key key, std::uint64_t hash, const prepared& now, question& q);
    [[nodiscard]] task<void> note_told(client_key key, std::uint64_t hash, const prepared& now, const question& q,
                                       bool heard);
    [[nodiscard]] bool home_counts() const { return shared_.home_counts(shard_.now()); }
    [[nodiscard]] task<void> tell_home(client_key key, std::uint64_t hash, const prepared& now, spent_counts others,
                                       std::uint32_t let_pass);
    void redis_failed(const error& why);
    [[nodiscard]] task<void> watch_for_redis();
    void say_settled() { shared_.say_settled(shard_.now()); }

    shard& shard_;
    limit_state& shared_;
    redis::client* redis_;
    bool failing_ = false; // this shard gets no answers
    std::string run_;      // of Redis, by its name …
    std::uint32_t run_number_ = 0;
    context background_{.task = "rate limit: is Redis back"};
    std::array<intrusive_list<under_way, under_way>, 256> asking_;
    counts counters_;
    bound<timer, &limiter_state::say_settled> settled_{*this};
};

} // namespace sluice::limit

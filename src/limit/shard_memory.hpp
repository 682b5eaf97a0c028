// What a shard knows of the clients that it has asked about: who is over the limit until when, who has a lease, and how
// each stood. A state machine without I/O.
//
// The problem: to ask for every request costs a way to Redis and back, most of all for those who are refused anyway.
// The answer: who was refused is refused from here until it can pass, and who comes often gets a lease, to be spent
// here. How large a lease is follows from the key's own rate: what it spent of its last one, or twice that where it ran
// out early. To forget an entry costs a question and what is left of its lease, which is counted already. In an outage
// counting goes on from what shards know, so who has spent much of a limit is not forgotten for who has not.
//
// One a shard and limit, touched by that shard alone. Bounded: sets of eight, of which the one goes that has spent the
// smallest share of its limit, as far as Redis or the key's home has told; of several the least useful.
#pragma once

#include "limit/counter.hpp"

#include <sluice/core/clock.hpp>
#include <sluice/core/published.hpp>
#include <sluice/limit/client_key.hpp>
#include <sluice/limit/decision.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::limit {

class shard_memory
{
public:
    static constexpr std::size_t ways = 8;

    explicit shard_memory(std::size_t keys);

    // Before any other call, and where the policy has changed since: who was refused may pass, and what was leased is
    // void. What was spent stays so where the windows are the same.
    void go_by(const rules& by);
    // Decided, if the shard knows enough to decide.
    [[nodiscard]] std::optional<decision> look(const client_key& key, std::uint64_t hash, std::uint32_t cost,
                                               time_point now);
    // What to ask. A lease that is left goes back with the question.
    [[nodiscard]] question ask(const client_key& key, std::uint64_t hash, std::uint32_t cost, time_point now);
    // The answer to a question that was asked at `asked_at`.
    [[nodiscard]] decision learn(const client_key& key, std::uint64_t hash, std::uint32_t cost, const verdict& said,
                                 time_point asked_at, time_point now);
    // Spent in each quota's window by whomever, as far as Redis has told, and which run of it has. Nothing where `by`
    // has other windows.
    struct redis_said
    {
        spent_counts spent{};
        std::uint32_t run = 0;
    };
    [[nodiscard]] redis_said known(const client_key& key, std::uint64_t hash, const rules& by, time_point now);

    [[nodiscard]] const event_count& refused() const noexcept { return refused_; }
    [[nodiscard]] const event_count& leased() const noexcept { return leased_; } // requests that a lease let pass

private:
    struct entry
    {
        client_key key;
        std::uint64_t asked_at = 0;     // nanoseconds, as all times here: zero is long ago
        std::uint64_t denied_until = 0; // if it was decided as soon as it was asked about
        std::uint64_t retry_at = 0;     // if as late as the answer came, so that nobody comes too early
        std::uint64_t lease_until = 0;
        micros lease_end = 0; // by the clock of whoever gave it
        std::uint32_t denied_cost = 0;
        std::uint32_t lease = 0; // as it was given
        std::uint32_t lease_left = 0;
        bool of_redis = false; // what is spent …
        std::uint32_t run = 0; // … and of which run of it
        spent_counts spent = {};
        std::array<std::uint64_t, quotas_max> more_at = {};
    };

    [[nodiscard]] entry* find(const client_key& key, std::uint64_t hash) noexcept;
    [[nodiscard]] entry& claim(const client_key& key, std::uint64_t hash, std::uint64_t now);
    [[nodiscard]] decision stand(const entry& of, std::uint64_t now) const;
    [[nodiscard]] spent_counts told(const entry& of, std::uint64_t now) const;

    std::size_t sets_;
    rules by_;
    std::vector<entry> entries_; // from the first answer on
    event_count refused_;
    event_count leased_;
};

} // namespace sluice::limit

// A shard's part of a rate limit: decides for its requests.
//
// Where there is a Redis, it decides for all processes, by one script; without one, the shard that is the key's home
// decides for the process. In front of either stands the shard's own memory: it refuses who is over the limit, and
// spends leases. So most decisions are made at once, and the others cost one message or one command for all requests of
// a client that come meanwhile.
//
// Where too much waits for Redis already, or a request has waited for it long enough, what the policy says of a Redis
// that fails holds for that request alone. When Redis fails, the process as a whole goes over to what the policy says,
// at the first answer that does not come, and back as soon as Redis decides again; both are logged once, and where it
// comes and goes all the time, once for all of it. Counting by itself, it goes on from what its shards remember, and
// tells Redis afterwards, so what one process lets pass of those they remember stays within the limit throughout.
//
// Owned by a shard (shard::own), used on it alone; the limit and the client outlive it.
#pragma once

#include <sluice/coro/task.hpp>
#include <sluice/limit/client_key.hpp>
#include <sluice/limit/decision.hpp>
#include <sluice/limit/rate_limit.hpp>
#include <sluice/shard/shard.hpp>

#include <cstdint>
#include <memory>
#include <optional>

#pragma GCC visibility push(default)

namespace sluice {
class metric_set;
}
namespace sluice::redis {
class client;
}

namespace sluice::limit {

class limiter_state;

struct limiter_counters
{
    std::uint64_t passed = 0;
    std::uint64_t refused = 0;
    std::uint64_t unanswered = 0;
    std::uint64_t asked_redis = 0;
    std::uint64_t asked_home = 0;      // the shard that counts for the key
    std::uint64_t joined = 0;          // requests that waited for another's question
    std::uint64_t leased = 0;          // passed by a lease
    std::uint64_t refused_at_once = 0; // from the shard's memory
    std::uint64_t failures = 0;        // answers of Redis that did not come
    std::uint64_t crowded = 0;         // decided without Redis, for which too much waited already
    std::uint64_t spent = 0;           // or because the request had no time left for it
    std::uint64_t unreadable = 0;      // what Redis held were no counts: counting began anew
    std::uint64_t evicted = 0;         // counts given up for want of room, on this shard
};

class limiter
{
public:
    limiter(shard& on, rate_limit& of, redis::client* redis = nullptr);
    ~limiter();
    limiter(const limiter&) = delete;
    limiter& operator=(const limiter&) = delete;

    // Without a wait, where that can be; then it counts. A request costs at least 1.
    [[nodiscard]] std::optional<decision> decide_at_once(const client_key& key, std::uint32_t cost = 1);
    [[nodiscard]] task<decision> decide(client_key key, std::uint32_t cost = 1);

    [[nodiscard]] const rate_limit& of() const noexcept;
    [[nodiscard]] limiter_counters counters() const;
    // The same as metrics (sluice_rate_limit_…), of the shard's set.
    void expose(metric_set& in) const;

private:
    std::unique_ptr<limiter_state> state_;
};

} // namespace sluice::limit

#pragma GCC visibility pop

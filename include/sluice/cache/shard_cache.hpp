// A shard's part of the process's two-tier cache of byte strings: its first tier, its connection to Redis, and its
// place among the other shards' parts. What applications use is two_tier_cache<Key, Value>, which stands on this.
//
// The problem: a value that was just written must not be read again as it was, on any shard, in either tier, whatever
// was being loaded meanwhile and whatever becomes of Redis. The answer is in src/cache/coherence.hpp: each key has a
// home shard, all loads and invalidations of a key go through it in order, and a write is acknowledged when all shards
// have confirmed. Other processes hear of it through Redis, or by whatever `announce` does where there is no Redis.
//
// A load belongs to no request: it runs on the home shard with a deadline of its own, and whoever waits for it has his
// own. No look-up fails because Redis does.
//
// Owned by a shard (shard::own), made before the shard turns, on every shard of the process in the same way. Thread:
// that shard's.
#pragma once

#include <sluice/cache/answer.hpp>
#include <sluice/cache/first_tier.hpp>
#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/published.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/redis/subscriber.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/wait.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice::cache {

class part_state;

struct cache_options
{
    std::size_t first_tier_bytes = std::size_t{64} << 20; // of the process, divided over its shards; 0: no first tier
    // From just before a value is read from the database: no tier keeps it longer. An absence has its own, if shorter.
    // Redis keeps none above 1 MiB, the first tier none above an eighth of a shard's share.
    duration ttl = std::chrono::seconds(60);
    duration negative_ttl = std::chrono::seconds(5);
    duration stale_while_revalidate =
        duration::zero();                       // an expired value is served that much longer while it is renewed
    duration stale_on_error = duration::zero(); // and that much longer where it cannot be
    duration load_timeout = std::chrono::seconds(10);
    std::size_t loads_max = 16'384; // in flight on one shard
    std::string prefix = "sluice";  // of the names in Redis
};

// What the parts of a process have in common. It outlives the shards.
class shared_parts
{
public:
    shared_parts(unsigned shards, cache_options options);

    [[nodiscard]] const cache_options& options() const noexcept { return options_; }
    // Where other processes are told what was written; the same for all who share a Redis.
    [[nodiscard]] const std::string& channel() const noexcept { return channel_; }
    [[nodiscard]] const std::string& process_id() const noexcept { return process_id_; }

private:
    friend class part_state;
    cache_options options_;
    std::string channel_;
    std::string process_id_;
    std::vector<part_state*> parts_; // one a shard, each set by its own before any turns
};

struct loaded
{
    pooled_string value = {};
    bool absent = false;
};
// Runs on the key's home shard. What it refers to lives as long as the shard.
using load_function = std::function<task<result<loaded>>(std::string_view key)>;
// Are these bytes a value of its kind? What stands in Redis may be of anybody. Runs on the key's home shard.
using check_function = std::function<bool(std::string_view value)>;

struct cache_counters
{
    first_tier_counters first;
    // Look-ups, by where the answer came from:
    event_count l1;
    event_count l2;
    event_count misses;
    // As the home of keys:
    event_count loads; // begun: a look into the second tier, then the loader
    event_count loader_calls;
    event_count second_tier_hits;
    event_count second_tier_failures; // commands
    event_count fills;
    std::uint64_t invalidated = 0;
    std::uint64_t pending = 0; // keys whose deletion Redis has not confirmed, now
    std::uint64_t pending_overflows = 0;
    // As any shard:
    std::uint64_t joined = 0;    // look-ups that found a load in flight
    std::uint64_t detached = 0;  // loads that a write overtook
    std::uint64_t refused = 0;   // at the bound of loads
    std::uint64_t stale = 0;     // expired values served
    std::uint64_t forgotten = 0; // times that everything was
};

class shard_cache
{
public:
    struct hit
    {
        std::string_view value; // valid until anything else happens to the cache
        bool absent;
        bool expired; // renew() it
    };

    // `second` may be null: there is no second tier. `announce` then tells other processes, if there is a way.
    shard_cache(shard& on, shared_parts& all, redis::client* second,
                std::function<void(std::string_view key)> announce = {});
    ~shard_cache();
    shard_cache(const shard_cache&) = delete;
    shard_cache& operator=(const shard_cache&) = delete;

    // A kind of keys and what loads them; the same kinds in the same order on every shard.
    [[nodiscard]] unsigned add_kind(load_function load, check_function is_value);

    // What the first tier has. `hash` is hash_bytes(key), here and below.
    [[nodiscard]] std::optional<hit> look(std::uint64_t hash, std::string_view key);
    // What it still has where a value cannot be had, or not in time: as old as stale_on_error allows.
    [[nodiscard]] std::optional<answer> instead_of_failure(std::uint64_t hash, std::string_view key);
    // Loads it without anybody who waits.
    void renew(unsigned kind, std::uint64_t hash, std::string_view key);
    // Has the waiter called once the key is loaded. False at the bound of loads: it is not.
    [[nodiscard]] bool load(waiter& w, unsigned kind, std::uint64_t hash, std::string_view key);
    // Counts an answer, and tells the request's access line.
    void served(tier from);

    // What other processes said. A payload may be anything.
    void heard(std::string_view key);
    void forget_all(); // something of it may have been missed
    // For a subscriber to shared_parts::channel(), of which a process needs one.
    [[nodiscard]] redis::subscriber::functions subscriber_functions();

    [[nodiscard]] cache_counters counters() const;
    // Among a shard's metrics, which live as long as this.
    void expose(metric_set& metrics) const;

private:
    friend class invalidations;
    std::unique_ptr<part_state> state_;
};

// The keys that one write has touched, from when it was committed until every shard has dropped them.
//
//     invalidations written(cache);
//     by_id.invalidate(id, written);
//     if (auto known = co_await written.confirmed(); !known) co_return fail(known.error());
class invalidations : invalidation_waiter
{
public:
    explicit invalidations(shard_cache& in) noexcept : invalidation_waiter(&one_confirmed), in_(in) {}
    ~invalidations(); // what is under way goes on
    invalidations(const invalidations&) = delete;
    invalidations& operator=(const invalidations&) = delete;

    void add(std::uint64_t hash, std::string_view key);
    // Fails with timeout at the request's deadline: then nobody can say who has seen the write.
    [[nodiscard]] task<result<void>> confirmed();

private:
    static void one_confirmed(invalidation_waiter& self);
    shard_cache& in_;
    std::size_t left_ = 0;
    bool waiting_ = false;
    wait all_;
};

} // namespace sluice::cache

#pragma GCC visibility pop

// The shards of a process, their queues, a database, a Redis and another process, with every step in the hands of a
// chooser. Whoever reads is checked: never older than what was acknowledged when it began, and never superseded for
// longer than the time to live.
#pragma once

#include "cache/coherence.hpp"
#include "chooser.hpp"
#include "simulated_redis.hpp"

#include <sluice/core/hash.hpp>

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace sluice::cache::test {

struct world_options
{
    unsigned shards = 2;
    unsigned keys = 1;
    bool redis = false;
    bool second_process = false;
    unsigned reads = 2;
    unsigned writes = 1;
    unsigned faults = 0;
    unsigned ticks = 0;   // steps of half a time to live
    bool moves = false;   // the name of Redis stands for another server, and for the first again
    bool hurried = false; // some readers have waited for Redis before, and longer than others
    std::size_t pending_max = 8;
    std::size_t heard_max = 2;
    duration stale = duration::zero();
    std::size_t calm = 8;
};

class simulated_process
{
public:
    static constexpr duration ttl = std::chrono::seconds(60);

    // Its shards' first tiers last from one world to the next: they are made once, and begin each without an entry.
    using tiers = std::deque<first_tier>;
    simulated_process(world_options options, chooser& by, tiers& kept);
    ~simulated_process();

    // Every step there is, until nothing is left to do; then nobody waits.
    void run();
    [[nodiscard]] std::size_t hits() const { return hits_; }
    [[nodiscard]] std::size_t second_tier_hits() const { return second_tier_hits_; }

private:
    struct node;
    struct key_state
    {
        std::string name;
        std::uint64_t hash;
        std::vector<time_point> committed{time_point{}}; // when each version was
        version acknowledged = 0;
    };
    struct reader : waiter
    {
        reader(simulated_process& w, key_state& k)
            : waiter(&ended_here), world(w), key(k), floor(k.acknowledged), began(w.now_)
        {}
        static void ended_here(waiter& self, const answer& a);
        simulated_process& world;
        key_state& key;
        version floor;
        time_point began;
        bool ended = false;
    };
    struct writer : invalidation_waiter
    {
        writer(simulated_process& w, key_state& k, version v)
            : invalidation_waiter(&confirmed_here), world(w), key(k), wrote(v)
        {}
        static void confirmed_here(invalidation_waiter& self);
        simulated_process& world;
        key_state& key;
        version wrote;
        bool invalidating = false;
        bool ended = false;
    };
    // A load at its home, or one of the other process, which has no flight.
    struct load
    {
        enum class step : std::uint8_t
        {
            begin,
            await_read,
            query,
            fill,
            done
        };
        node* at;
        flight* of;
        key_state* key;
        step next = step::begin;
        bool hurried = false;
        int token = 0;
        int run = 0;
        bool leased = false;
        version value = 0;
        time_point before = {};
    };
    struct command
    {
        enum class kind : std::uint8_t
        {
            read,
            fill,
            erase
        };
        kind what;
        unsigned server; // that it was sent to
        int run;         // whose keys it names
        key_state* key;
        int token = 0;
        version value = 0;
        load* reader = nullptr; // null: nobody waits for it (any more)
        node* at = nullptr;
        invalidation* of = nullptr; // of an erasure: this, or
        std::uint64_t again = 0;    // a generation
        bool awaited = false;
        bool executed = false;
        simulated_redis::read_reply reply = {};
    };
    struct node final : coherence_actions
    {
        node(simulated_process& w, unsigned self, first_tier& kept);
        void send(unsigned to, packet& p) override;
        void load(flight& f) override;
        void hurry(flight& f) override;
        void erase(invalidation& i) override;
        void announce(std::string_view) override {}
        void erase_again(std::string_view key, std::uint64_t generation) override;
        void look_at_run();
        simulated_process& world;
        unsigned self;
        coherence machine;
    };
    // What it refers to is small enough to lie within: a step makes one of each that might come, and runs one.
    using event = std::function<void()>;

    void add_progress(std::vector<event>& events, bool faults);
    void add_stimuli(std::vector<event>& events);
    void add_load_events(std::vector<event>& events);
    void add_command_events(std::vector<event>& events, bool faults);
    void add_writer_events(std::vector<event>& events);
    void add_fault_events(std::vector<event>& events);
    void read_on(node& at, key_state& key);
    void commit(key_state& key);
    void check(key_state& key, version floor, time_point began, std::string_view value);
    void step(load& l);
    void settle(command& c, bool confirmed);
    void erase_elsewhere(key_state& key);
    simulated_redis& redis() { return servers_[here_]; }
    key_state& key_named(std::string_view name);

    world_options options_;
    chooser& by_;
    std::size_t calm_; // of so many things that happen, one is somebody's doing
    time_point now_ = time_point{} + std::chrono::hours(1);
    std::array<simulated_redis, 2> servers_{simulated_redis(ttl, 1), simulated_redis(ttl, 2)};
    unsigned here_ = 0;      // the server that this process is connected to
    unsigned elsewhere_ = 0; // and the other one
    std::vector<key_state> keys_;
    std::vector<std::unique_ptr<node>> nodes_;
    std::vector<std::vector<std::deque<packet*>>> queues_;
    std::list<reader> readers_;
    std::list<writer> writers_;
    std::list<load> loads_;
    std::list<command> commands_;
    std::size_t hits_ = 0;
    std::size_t second_tier_hits_ = 0;
    int tokens_ = 0;
    bool away_ = false; // Redis: refuses what is asked, and runs nothing
};

} // namespace sluice::cache::test

// A shard's part in keeping cached values coherent: which look-ups join which load, what may be kept, and what has to
// happen before a write is acknowledged. No I/O: packets and verdicts in, actions out.
//
// The rules, each of which the simulation in tests/cache breaks to see that it is needed:
//  1. A key has one home shard. It alone loads the key and speaks to the second tier for it; all that other shards
//     learn of the key comes from it, in order.
//  2. An invalidation at the home drops the key and detaches its load in flight: who had joined gets the value, nobody
//     keeps it, who comes later begins a new one. Then every other shard does the same, and confirms.
//  3. Until the second tier has confirmed the deletion, it is neither read nor filled for that key. Each run of its
//     server has to: what one has confirmed says nothing of another.
//  4. A write is acknowledged when all shards have confirmed, and the second tier has or cannot.
//
// A packet has to arrive in the order in which it was sent from that shard to this one. Thread: a shard's.
#pragma once

#include "cache/flight_table.hpp"
#include "cache/packet.hpp"
#include "cache/pending_keys.hpp"

#include <sluice/cache/answer.hpp>
#include <sluice/cache/first_tier.hpp>
#include <sluice/core/clock.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/published.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::cache {

class coherence_actions
{
public:
    virtual void send(unsigned to, packet& p) = 0;
    // Of a key whose home is here; then loaded(), once.
    virtual void load(flight& f) = 0;
    // Somebody joined it who has waited for the second tier for longer (flight::redis_waited).
    virtual void hurry(flight& f) = 0;
    // Deletes the key in the second tier and tells other processes; then erased(), once. Only with a second tier.
    virtual void erase(invalidation& i) = 0;
    // Without one: tells other processes, if it can.
    virtual void announce(std::string_view key) = 0;
    // A deletion that was lost; then erased_again(), once.
    virtual void erase_again(std::string_view key, std::uint64_t generation) = 0;

protected:
    ~coherence_actions() = default;
};

struct coherence_options
{
    unsigned self = 0;
    unsigned shards = 1;
    bool second_tier = false;
    duration longest_life = {}; // of a value in any tier, from before it was loaded
    duration stale_while_revalidate =
        duration::zero();                       // an expired value is served that much longer while it is renewed
    duration stale_on_error = duration::zero(); // and that much where the loader fails
    std::size_t flights_max = 16'384;
    std::size_t pending_max = 4096;
    std::size_t heard_max = 1024;  // invalidations of other processes in flight; one more forgets everything
    std::size_t answer_room = 256; // bytes of a value that come without a loan
};

// Any thread may read them.
struct coherence_counters
{
    event_count loads;       // begun here, as the home
    event_count asked;       // of other homes
    event_count joined;      // look-ups that found a load in flight
    event_count detached;    // loads that a write overtook
    event_count refused;     // at the bound of flights
    event_count stale;       // expired values served
    event_count invalidated; // keys, as the home
    event_count forgotten;   // times that everything was
    event_count pending;     // now
    event_count pending_overflows;
};

class coherence
{
public:
    struct hit
    {
        std::string_view value;
        bool absent;
        bool expired; // renew() it
    };

    coherence(coherence_options options, first_tier& kept, coherence_actions& actions);
    ~coherence();
    coherence(const coherence&) = delete;
    coherence& operator=(const coherence&) = delete;

    [[nodiscard]] unsigned home_of(std::uint64_t hash) const noexcept
    {
        return static_cast<unsigned>(hash % options_.shards);
    }

    // --- Readers. What is here, if it may be served; valid until the next call.
    [[nodiscard]] std::optional<hit> look(std::uint64_t hash, std::string_view key, time_point now);
    // What has expired is better than nothing, for as long as the settings say; an invalidation has removed it.
    [[nodiscard]] std::optional<answer> instead_of_failure(std::uint64_t hash, std::string_view key, time_point now);
    // Waits for a load of the key, in flight or new. False at the bound: it does not wait.
    [[nodiscard]] bool join(waiter& w, unsigned kind, std::uint64_t hash, std::string_view key, time_point now);
    void renew(unsigned kind, std::uint64_t hash, std::string_view key, time_point now);

    // --- Loads, at their home.
    [[nodiscard]] bool may_read_second_tier(const flight& f, time_point now) const;
    [[nodiscard]] bool may_fill_second_tier(const flight& f, time_point now) const;
    void loaded(flight& f, answer a, time_point now);

    // --- Writers: after the database's commit, or where its outcome is unknown.
    void invalidate(std::uint64_t hash, std::string_view key, invalidation_waiter& w, time_point now);
    // Nobody waits with it any more; the invalidations go on.
    void abandon(invalidation_waiter& w);
    void erased(invalidation& i, bool confirmed, time_point now);
    void erased_again(std::string_view key, std::uint64_t generation, bool confirmed, time_point now);
    // Which run of its server the second tier is now: before it is asked for a key, and before what it confirms.
    void second_tier_is(std::string_view run, time_point now)
    {
        if (run == run_) return;
        run_ = run;
        pending_.doubt_all(now);
        count_pending();
    }
    // Sends up to `count` lost deletions again: where the second tier is back.
    void erase_lost(std::size_t count);
    [[nodiscard]] bool any_lost() const noexcept { return pending_.any_lost(); }

    // --- Other processes.
    void heard(std::uint64_t hash, std::string_view key, time_point now); // that they wrote it
    void forget_all(time_point now);                                      // what they said may have been missed

    void receive(packet& p, time_point now);
    [[nodiscard]] const coherence_counters& counters() const noexcept { return counters_; }

private:
    void route(unsigned to, packet& p, time_point now);
    [[nodiscard]] bool joined(flight& f, duration redis_waited, time_point now);
    [[nodiscard]] flight* joinable(std::uint64_t hash, std::string_view key, time_point now);
    [[nodiscard]] flight* begin(unsigned kind, std::uint64_t hash, std::string_view key, time_point now);
    void start(flight& f, time_point now);
    void asked(flight& f, time_point now);
    void give(flight& f, const answer& a, time_point now);
    void land(flight& f, answer a, time_point now);
    void drop(flight& f);
    void detach(flight& f);
    void detach_all(std::uint64_t hash, std::string_view key);
    void forget(const invalidation& i);
    void at_home(invalidation& i, time_point now);
    void confirm(invalidation& i, time_point now);
    void returned(invalidation& i, time_point now);
    void count_pending() noexcept;
    void send_off(invalidation& i, unsigned home, bool own, time_point now);

    coherence_options options_;
    first_tier& kept_;
    coherence_actions& actions_;
    flight_table table_;
    intrusive_list<flight, in_table> detached_; // in flight, and out of the table
    pending_keys pending_;
    pooled_string run_; // of the second tier's server
    std::size_t flights_ = 0;
    std::size_t heard_ = 0;
    intrusive_list<invalidation, invalidation> sent_; // of this shard, not back yet
    intrusive_list<lent_value, lent_value> lent_;
    pooled_vector<invalidation*> all_of_; // "everything" of each home: one in flight at a time
    coherence_counters counters_;
};

} // namespace sluice::cache

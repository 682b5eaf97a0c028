// Counters by key, so many and no more: what one shard counts for all of the process, as the home of its keys.
//
// The problem: clients can come under more names than there is memory, and whoever makes the table forget a counter has
// a fresh limit. The answer: sets of eight. Where a set is full, a counter that is empty by now is given up, or else
// the one that has spent the smallest share of its limit. So a counter with much to lose goes only when each of the
// seven others has as much: who wants to be rid of it must spend as much under seven names that fall into the same set,
// and which names do is hidden by a seed. To use those names' own limits is always cheaper.
//
// Owned by the process's limit; each is touched by one shard alone. The memory is taken when the first key comes, and
// again where a quota's window changes, which ends all counts.
#pragma once

#include "limit/counter.hpp"

#include <sluice/core/published.hpp>
#include <sluice/limit/client_key.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace sluice::limit {

class counter_table
{
public:
    static constexpr std::size_t ways = 8;

    explicit counter_table(std::size_t keys);

    [[nodiscard]] verdict decide(const client_key& key, std::uint64_t hash, const rules& by, const question& asked,
                                 micros now);
    // What is spent where somebody else counts: of `others` some may be counted here as well, and what it has just
    // `let_pass` is not, so that is counted beside what was let pass here meanwhile.
    void hear(const client_key& key, std::uint64_t hash, const rules& by, const spent_counts& others,
              std::uint32_t let_pass, micros now);
    // Spent in each quota's window; nothing where the key is not known.
    [[nodiscard]] spent_counts used(const client_key& key, std::uint64_t hash, const rules& by, micros now);

    // Of an outage of Redis: has the key's counter been told what the other shards know? Ends with the counter.
    [[nodiscard]] bool knows(const client_key& key, std::uint64_t hash, std::uint32_t outage);
    void note_known(const client_key& key, std::uint64_t hash, std::uint32_t outage);

    // What Redis has to hear of with the next question: what was let pass here since it last did, but for what came
    // back of leases; or all, if that run of it is yet to be told, or another question that tells is under way, which
    // this one may overtake.
    struct untold
    {
        std::uint32_t count = 0;
        bool anew = false;
        [[nodiscard]] bool nothing() const noexcept { return count == 0 && !anew; }
    };
    enum class heard : std::uint8_t
    {
        yes,
        no,
        unknown, // all is told next, so that Redis counts what it lacks of that; beside others it may lack the rest
    };
    // Unless that is nothing, told() follows.
    [[nodiscard]] untold hand_over(const client_key& key, std::uint64_t hash, std::uint32_t run);
    void told(const client_key& key, std::uint64_t hash, const untold& what, heard by_redis);

    [[nodiscard]] const event_count& evicted() const noexcept { return evicted_; } // that were not empty

private:
    struct slot
    {
        client_key key;
        micros empty_at;
        std::uint32_t spent_share;
        std::uint32_t outage;
        std::uint32_t run;     // of Redis that has been told of all, or has said it
        std::uint32_t untold;  // let pass here, and Redis has not been told
        std::uint32_t telling; // questions under way
        micros told_to;        // an empty_at: of the leases up to it Redis has been told, or has counted them itself
    };
    struct release
    {
        void operator()(void* block) const noexcept { std::free(block); }
    };
    // Zero is the value of a slot and of a window that hold nothing, so untouched pages need not be there.
    template <class T> using zeroed = std::unique_ptr<T[], release>;

    void prepare(const rules& by);
    [[nodiscard]] std::size_t set_of(std::uint64_t hash) const noexcept { return (hash >> 20) % sets_ * ways; }
    [[nodiscard]] slot* find(const client_key& key, std::uint64_t hash) noexcept;
    [[nodiscard]] slot& claim(const client_key& key, std::uint64_t hash, micros now);
    [[nodiscard]] std::span<sliding_window> windows_of(const slot& s) noexcept;

    std::size_t sets_;
    rules by_; // the windows that are laid out
    zeroed<slot> slots_;
    zeroed<sliding_window> windows_;
    event_count evicted_;
};

} // namespace sluice::limit

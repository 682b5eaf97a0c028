// What the shards of a process tell each other about cached keys. Each packet belongs to the shard that made it and
// comes back to it, since a block of memory is given back where it was taken.
#pragma once

#include <sluice/cache/answer.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/trace.hpp>
#include <sluice/shard/message.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace sluice::cache {

struct packet;
struct in_table;
struct at_home;
class work_scope;

// Takes packets on a shard.
class packet_receiver
{
public:
    virtual void arrived(packet& p) = 0;

protected:
    ~packet_receiver() = default;
};

struct packet : message
{
    enum class kind : std::uint8_t
    {
        ask,         // to a key's home: give me its value
        answer,      // the same flight, back
        lent,        // a value that was too large for the answer, back to the home that lent it
        invalidate,  // to a key's home: it was written
        forget,      // from there to every other shard
        forgotten,   // and back
        invalidated, // and back to who wrote
    };
    explicit packet(kind k) noexcept
        : message([](message& m) {
              auto& self = static_cast<packet&>(m);
              self.to->arrived(self);
          }),
          what(k)
    {}
    kind what;
    packet_receiver* to = nullptr; // set by who sends it
};

struct lent_value;

// The request that work is done for, as far as that shows what it does there; none has no trace.
struct requester
{
    trace_context trace;
    pooled_string trace_state; // what its callers said of it
    std::string_view task = {};
    bool debug = false;
};

// A key's load in flight as one shard sees it: who waits for it there, and, once it is detached, that nothing of it may
// be kept. At the key's home it stands for the load itself and knows the flights of other shards that asked for it.
struct flight : packet, list_node<in_table>, list_node<at_home>
{
    std::uint64_t hash = 0;
    std::string_view key; // in this block
    unsigned of = 0;      // the kind of key
    unsigned asker = 0;   // the shard that this belongs to
    bool detached = false;
    time_point began = {};
    requester by;                             // who began it
    duration redis_waited = duration::zero(); // before this began, by whoever of those who wait did so longest
    work_scope* asking = nullptr;             // the load, while the second tier is asked
    intrusive_list<waiter, waiter> waiters;
    intrusive_list<flight, at_home> asks;
    answer given;               // by its home
    lent_value* lent = nullptr; // where that value is, if it is not in `room`
    char* room = nullptr;       // in this block
    std::size_t room_bytes = 0;
    std::size_t block_bytes = 0;

    [[nodiscard]] static flight* make(std::uint64_t hash, std::string_view key, std::size_t room)
    {
        const std::size_t size = pool_round_up(sizeof(flight) + key.size() + room);
        auto* memory = static_cast<char*>(pool_allocate(size));
        auto* made = ::new (memory) flight;
        char* bytes = memory + sizeof(flight);
        std::memcpy(bytes, key.data(), key.size());
        made->hash = hash;
        made->key = {bytes, key.size()};
        made->room = bytes + key.size();
        made->room_bytes = size - sizeof(flight) - key.size();
        made->block_bytes = size;
        return made;
    }
    static void free(flight* f) noexcept
    {
        const std::size_t size = f->block_bytes;
        std::destroy_at(f);
        pool_deallocate(f, size);
    }

private:
    flight() noexcept : packet(kind::ask) {}
};

// A value on loan from its home to one other shard.
struct lent_value : packet, list_node<lent_value>
{
    unsigned lender = 0;
    std::size_t bytes = 0;

    [[nodiscard]] static lent_value* make(std::string_view value)
    {
        auto* memory = static_cast<char*>(pool_allocate(sizeof(lent_value) + value.size()));
        auto* made = ::new (memory) lent_value;
        made->bytes = value.size();
        std::memcpy(memory + sizeof(lent_value), value.data(), value.size());
        return made;
    }
    static void free(lent_value* v) noexcept
    {
        const std::size_t size = sizeof(lent_value) + v->bytes;
        std::destroy_at(v);
        pool_deallocate(v, size);
    }
    [[nodiscard]] std::string_view view() const noexcept { return {reinterpret_cast<const char*>(this + 1), bytes}; }

private:
    lent_value() noexcept : packet(kind::lent) {}
};

struct invalidation;

// An invalidation's word to one other shard, and that shard's confirmation.
struct echo : packet
{
    explicit echo(invalidation& i) noexcept : packet(kind::forget), of(i) {}
    invalidation& of;
};

// That a key was written, on its way over all shards.
struct invalidation : packet, list_node<invalidation>
{
    std::uint64_t hash = 0;
    std::string_view key;    // in this block
    bool everything = false; // every key of the home that it goes to
    bool own = true;         // written by this process: the second tier has to be told
    unsigned origin = 0;
    unsigned home = 0;
    requester by;                             // who wrote
    duration redis_waited = duration::zero(); // by him, before
    // The home's:
    unsigned unconfirmed = 0; // shards, and the second tier
    std::uint64_t generation = 0;
    // The origin's:
    invalidation_waiter* waiter = nullptr; // null: nobody waits any more
    bool again = false;                    // of `everything`: asked for anew meanwhile
    unsigned shards = 0;
    std::size_t block_bytes = 0;

    [[nodiscard]] static invalidation* make(std::uint64_t hash, std::string_view key, unsigned shards)
    {
        const std::size_t size = sizeof(invalidation) + shards * sizeof(echo) + key.size();
        auto* memory = static_cast<char*>(pool_allocate(size));
        auto* made = ::new (memory) invalidation;
        made->shards = shards;
        for (unsigned i = 0; i < shards; ++i) ::new (memory + sizeof(invalidation) + i * sizeof(echo)) echo(*made);
        char* bytes = memory + sizeof(invalidation) + shards * sizeof(echo);
        if (!key.empty()) std::memcpy(bytes, key.data(), key.size());
        made->hash = hash;
        made->key = {bytes, key.size()};
        made->block_bytes = size;
        return made;
    }
    static void free(invalidation* i) noexcept
    {
        const std::size_t size = i->block_bytes;
        for (unsigned s = 0; s < i->shards; ++s) std::destroy_at(&i->echo_to(s));
        std::destroy_at(i);
        pool_deallocate(i, size);
    }
    [[nodiscard]] echo& echo_to(unsigned shard) noexcept { return reinterpret_cast<echo*>(this + 1)[shard]; }

private:
    invalidation() noexcept : packet(kind::invalidate) {}
};
static_assert(alignof(echo) <= alignof(invalidation) && sizeof(invalidation) % alignof(echo) == 0);

} // namespace sluice::cache

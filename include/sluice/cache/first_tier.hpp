// The cache's first tier: byte strings of one shard by key, in a fixed amount of memory.
//
// The problem: a cache that is bounded by a number of entries, or by the bytes of its values, uses more memory than its
// setting says, and one on a general allocator allocates with every miss. The answer: one mapping of `bytes` for
// everything (index, headers, keys, values), taken from the kernel page by page as it fills. Entries lie one behind the
// other in two queues, a small one for what is new and a main one for what was asked for again (S3-FIFO), so nothing
// is ever allocated, nothing fragments, and a scan passes through the small queue alone.
//
// Keys are compared in full, so of two keys with the same hash each has its own value; but as many as one line of the
// index holds at most. No operation looks at more than two lines of the index, whatever the keys are.
//
// Owned by a shard and used on it alone. It keeps time by what it is given and does not shorten it; it knows no other
// tier and does not load.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/published.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::cache {

class tier_state;

// Below this a tier has no room for an index and is off.
inline constexpr std::size_t first_tier_bytes_min = std::size_t{16} << 10;
// No tier uses more.
inline constexpr std::size_t first_tier_bytes_max = std::size_t{32} << 30;

struct first_tier_options
{
    std::size_t bytes = 0; // all that the tier may occupy; 0: off
    // Of one entry with its key; never more than an eighth of `bytes`. To make room for one stops the shard for as long
    // as it takes to drop what lay there: a millisecond for each MiB of small entries.
    std::size_t entry_bytes_max = std::size_t{1} << 20;
};

// What is remembered of an entry beside its value.
enum class entry_flags : std::uint8_t
{
    none = 0,
    absent = 1, // known not to exist; the value is usually empty
};

struct cached
{
    std::string_view value;
    time_point fresh_until; // from then on the entry is stale, and the caller decides whether it serves
    time_point stale_until; // from then on it is gone
    entry_flags flags;
};

// Any thread may read them.
struct first_tier_counters
{
    // Now:
    event_count bytes;   // occupied at most, counted as the kernel counts: whole pages, whatever is in them
    event_count entries; // those that expired unnoticed among them
    // Since the start:
    event_count hits; // fresh
    event_count stale_hits;
    event_count misses;
    event_count insertions;  // of keys that had no entry
    event_count updates;     // of keys that had one
    event_count evictions;   // for want of room
    event_count expirations; // found past stale_until
    event_count erasures;    // by erase() and clear()
    event_count refused;     // entries too large for the tier
};

class first_tier
{
public:
    explicit first_tier(const first_tier_options& options);
    ~first_tier();
    first_tier(const first_tier&) = delete;
    first_tier& operator=(const first_tier&) = delete;

    // `hash` is hash_bytes(key), here and below. What it gives is valid until the tier next changes, by any function
    // that is not const.
    [[nodiscard]] std::optional<cached> find(std::uint64_t hash, std::string_view key, time_point now) noexcept;

    // Adds or replaces. An entry that is too large is refused, and what the key had is erased all the same. `value`
    // must not be one that this tier gave.
    void put(std::uint64_t hash, std::string_view key, std::string_view value, time_point fresh_until,
             time_point stale_until, entry_flags flags = entry_flags::none) noexcept;

    // Was it there?
    bool erase(std::uint64_t hash, std::string_view key) noexcept;

    // Drops all entries. The memory stays with the tier.
    void clear() noexcept;

    [[nodiscard]] first_tier_counters counters() const noexcept;

private:
    std::unique_ptr<tier_state> state_; // none where the tier is off
};

} // namespace sluice::cache

#pragma GCC visibility pop

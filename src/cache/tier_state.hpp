// What a first tier does with its memory: S3-FIFO over two queues of bytes.
//
// A new entry goes into the small queue. When it comes to that queue's end, it goes on into the main one if it was
// asked for meanwhile, and otherwise out, leaving a ghost; a key whose ghost is still there when it comes again goes
// into the main queue at once. At the end of the main queue an entry goes round again if it was asked for, and
// once more if it was asked for often. As long as the main queue has free room, everything goes on into it, and also
// where dropping has proved wrong (admission.hpp). What is erased or has expired keeps its place until
// the end of its queue comes, and the key's next value lies there again if it fits: a value that is written often moves
// nothing.
//
// The inside of a first_tier, and its owner's thread's.
#pragma once

#include "cache/admission.hpp"
#include "cache/entry.hpp"
#include "cache/entry_index.hpp"
#include "cache/entry_queue.hpp"
#include "cache/ghosts.hpp"
#include "cache/pages.hpp"

#include <sluice/cache/first_tier.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::cache {

// What is to be put.
struct new_entry
{
    std::uint64_t hash;
    std::string_view key;
    std::string_view value;
    time_point fresh_until;
    time_point stale_until;
    entry_flags flags;
};

// How a tier's memory is shared out.
struct tier_plan
{
    explicit tier_plan(const first_tier_options& options) noexcept;

    std::size_t bytes;
    std::uint32_t index_lines;
    std::uint32_t ghost_lines;
    std::uint32_t small_begin; // in units from the start of the memory
    std::uint32_t main_begin;
    std::uint32_t main_end;
    std::uint32_t entry_units_max;
};

class tier_state
{
public:
    explicit tier_state(const tier_plan& plan);

    [[nodiscard]] std::optional<cached> find(std::uint64_t hash, std::string_view key, time_point now) noexcept;
    void put(const new_entry& added) noexcept;
    bool erase(std::uint64_t hash, std::string_view key) noexcept;
    void clear() noexcept;
    [[nodiscard]] first_tier_counters counters() const noexcept;

private:
    [[nodiscard]] entry& at(std::uint32_t place) const noexcept
    {
        return *reinterpret_cast<entry*>(pages_.data() + std::size_t{place} * unit_bytes);
    }
    [[nodiscard]] entry_index::slot find_slot(std::uint64_t hash, std::string_view key) const noexcept;
    // Writes over the key's former entry, or its place, if the new one fits there.
    bool put_in_place(entry& old, const new_entry& added) noexcept;
    void write(std::uint32_t place, std::uint32_t units, const new_entry& added) noexcept;
    void add_to_index(std::uint64_t hash, std::uint32_t place) noexcept;

    // The lines that the next put will need to make room, while there is time.
    void prefetch_next_to_go(const entry_queue& from) const noexcept;
    // Each makes room at the end of its queue.
    void make_room_in_small(std::uint32_t units) noexcept;
    void make_room_in_main(std::uint32_t units) noexcept;
    // Of the small queue's first entry, which nobody has asked for. If not, it leaves a ghost, and so it does if it is
    // watched.
    [[nodiscard]] bool stays_unused(entry& first) noexcept;
    // The first entry of the queue leaves it.
    void promote(entry_index::slot known_at) noexcept;
    void go_round(entry_index::slot known_at) noexcept;
    void drop(entry_queue& from, entry_index::slot known_at) noexcept;

    // While all go on, one that is new is worth as much as one that was asked for, and comes after it.
    [[nodiscard]] std::uint8_t first_uses_in_main() const noexcept { return admission_.admits() ? 1 : 0; }

    void bury(entry& e) noexcept
    {
        e.dead = true;
        --counters_.entries;
    }

    const tier_plan plan_;
    pages pages_;
    entry_index index_;
    ghosts ghosts_;
    admission admission_;
    entry_queue small_;
    entry_queue main_;
    time_point now_{}; // when an entry was last asked for
    first_tier_counters counters_;
};

} // namespace sluice::cache

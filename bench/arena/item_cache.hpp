// Items that were just read, kept for a moment: a shard's own, and as many at most as it has slots.
//
// An item has one slot, by its id, which a later item may take over. A write forgets the item here, and what was being
// read when it came is not kept; another shard's copy lives on for the rest of its time.
#pragma once

#include "stored_item.hpp"

#include <sluice/core/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace arena {

class item_cache
{
public:
    // What keep() needs of the moment at which a read began.
    using ticket = std::uint32_t;

    item_cache() : slots_(slot_count) {}

    // Valid until the next call of another function.
    [[nodiscard]] const stored_item* find(std::int32_t id, sluice::time_point now) const noexcept
    {
        const slot& at = slots_[index_of(id)];
        return at.item.id == id && now < at.until ? &at.item : nullptr;
    }
    [[nodiscard]] ticket begin_read(std::int32_t id) const noexcept { return slots_[index_of(id)].writes; }
    void keep(const stored_item& read, ticket began, sluice::time_point now)
    {
        slot& at = slots_[index_of(read.id)];
        if (at.writes != began) return;
        at.item = read;
        at.until = now + time_to_live;
    }
    void forget(std::int32_t id) noexcept
    {
        slot& at = slots_[index_of(id)];
        at.until = {};
        ++at.writes;
    }

private:
    static constexpr std::size_t slot_count = std::size_t{1} << 14;
    static constexpr sluice::duration time_to_live = std::chrono::milliseconds(200);

    struct slot
    {
        stored_item item;
        sluice::time_point until{};
        std::uint32_t writes = 0; // since the start, of any item of this slot
    };

    static std::size_t index_of(std::int32_t id) noexcept { return static_cast<std::uint32_t>(id) % slot_count; }

    std::vector<slot> slots_;
};

} // namespace arena

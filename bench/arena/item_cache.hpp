// Items that were just read, kept for a moment: a shard's part of the process's cache.
#pragma once

#include "item_store.hpp"
#include "stored_item.hpp"

#include <sluice/cache/two_tier_cache.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

template <> struct sluice::cache_codec<arena::stored_item>
{
    using item = arena::stored_item;
    static void write(const item& value, pooled_string& out)
    {
        cache::put(value.id, out);
        cache::put(value.name, out);
        cache::put(value.category, out);
        cache::put(value.price, out);
        cache::put(value.quantity, out);
        cache::put(value.active, out);
        cache::put(value.tags.text, out);
        cache::put(value.rating, out);
    }
    [[nodiscard]] static bool read(std::string_view bytes, item& value)
    {
        return cache::take(bytes, value.id) && cache::take(bytes, value.name) && cache::take(bytes, value.category) &&
               cache::take(bytes, value.price) && cache::take(bytes, value.quantity) &&
               cache::take(bytes, value.active) && cache::take(bytes, value.tags.text) &&
               cache::take(bytes, value.rating) && bytes.empty();
    }
};

namespace arena {

inline constexpr sluice::duration item_time_to_live = std::chrono::milliseconds(200);

class item_cache
{
public:
    item_cache(sluice::shard& on, sluice::cache::shared_parts& all, item_store& items)
        : part_(on, all, nullptr), items_(part_, "item", [&items](std::int32_t id) { return find_if_any(items, id); })
    {}

    // What is kept, if anything is, and if that is an item.
    [[nodiscard]] std::optional<std::optional<stored_item>> here(std::int32_t id) { return items_.here(id); }
    [[nodiscard]] sluice::task<sluice::result<std::optional<stored_item>>> load(std::int32_t id)
    {
        return items_.load(id);
    }
    // Until no shard keeps it any more.
    [[nodiscard]] sluice::task<sluice::result<void>> forget(std::int32_t id)
    {
        sluice::cache::invalidations written(part_);
        items_.invalidate(id, written);
        co_return co_await written.confirmed();
    }

private:
    static sluice::task<sluice::result<std::optional<stored_item>>> find_if_any(item_store& items, std::int32_t id)
    {
        auto found = co_await items.find(id);
        std::optional<stored_item> one;
        if (found)
            one = *std::move(found);
        else if (found.error().code != sluice::errc::not_found)
            co_return sluice::fail(std::move(found).error());
        co_return one;
    }

    sluice::cache::shard_cache part_;
    sluice::two_tier_cache<std::int32_t, stored_item> items_;
};

} // namespace arena

// The items in PostgreSQL: one a shard, on the shard's own connections.
#pragma once

#include "stored_item.hpp"

#include <sluice/core/error.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/postgres/pool.hpp>

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace arena {

using stored_items = sluice::pooled_vector<stored_item>;

[[nodiscard]] std::unexpected<sluice::error> no_item(std::int32_t id);

class item_store
{
public:
    // The pool outlives the store.
    explicit item_store(sluice::postgres::pool& database) noexcept : database_(database) {}

    [[nodiscard]] sluice::task<sluice::result<stored_items>> priced(std::int32_t least, std::int32_t most,
                                                                    std::int32_t limit);
    // By id, `offset` of the category left out.
    [[nodiscard]] sluice::task<sluice::result<stored_items>> page(std::string_view category, std::int32_t limit,
                                                                  std::int64_t offset);
    // These fail with not_found.
    [[nodiscard]] sluice::task<sluice::result<stored_item>> find(std::int32_t id);
    [[nodiscard]] sluice::task<sluice::result<void>> update(std::int32_t id, const item_change& change);
    // Gives the item as it then is.
    [[nodiscard]] sluice::task<sluice::result<stored_item>> insert_or_update(const new_item& item);

private:
    sluice::postgres::pool& database_;
};

} // namespace arena

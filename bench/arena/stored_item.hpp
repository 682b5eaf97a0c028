// An item as the database has it. Its tags stay the JSON text that the column holds: they go out as they came.
#pragma once

#include "data_set.hpp"

#include <sluice/core/pool.hpp>
#include <sluice/json/fields.hpp>
#include <sluice/json/writer.hpp>

#include <cstdint>
#include <tuple>

namespace arena {

struct raw_json
{
    sluice::pooled_string text;
};

inline void write_json(const raw_json& value, sluice::json_writer& out) { out.raw(value.text); }

struct stored_item
{
    std::int32_t id = 0;
    sluice::pooled_string name;
    sluice::pooled_string category;
    std::int32_t price = 0;
    std::int32_t quantity = 0;
    bool active = false;
    raw_json tags;
    arena::rating rating;
};

// What a client sends to make an item, or to make it anew.
struct new_item
{
    std::int32_t id = 0;
    sluice::pooled_string name;
    sluice::pooled_string category;
    std::int32_t price = 0;
    std::int32_t quantity = 0;
};

struct item_change
{
    sluice::pooled_string name;
    std::int32_t price = 0;
    std::int32_t quantity = 0;
};

} // namespace arena

template <> struct sluice::fields<arena::stored_item>
{
    using type = arena::stored_item;
    static constexpr auto list =
        std::tuple{field("id", &type::id),       field("name", &type::name),         field("category", &type::category),
                   field("price", &type::price), field("quantity", &type::quantity), field("active", &type::active),
                   field("tags", &type::tags),   field("rating", &type::rating)};
};

template <> struct sluice::fields<arena::new_item>
{
    using type = arena::new_item;
    static constexpr auto list =
        std::tuple{field("id", &type::id), field("name", &type::name), field("category", &type::category),
                   field("price", &type::price), field("quantity", &type::quantity)};
};

template <> struct sluice::fields<arena::item_change>
{
    using type = arena::item_change;
    static constexpr auto list =
        std::tuple{field("name", &type::name), field("price", &type::price), field("quantity", &type::quantity)};
};

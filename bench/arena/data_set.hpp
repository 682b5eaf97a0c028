// The items that /json answers with: 50 of them, read once at start, the same for every shard.
#pragma once

#include <sluice/json/fields.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace arena {

struct rating
{
    std::uint32_t score = 0;
    std::uint32_t count = 0;
};

struct item
{
    std::uint32_t id = 0;
    std::string name;
    std::string category;
    std::uint32_t price = 0;
    std::uint32_t quantity = 0;
    bool active = false;
    std::vector<std::string> tags;
    arena::rating rating;
};

// Throws std::runtime_error if the text that it was built with is not a data set.
[[nodiscard]] std::vector<item> read_data_set();

} // namespace arena

template <> struct sluice::fields<arena::rating>
{
    static constexpr auto list =
        std::tuple{field("score", &arena::rating::score), field("count", &arena::rating::count)};
};

template <> struct sluice::fields<arena::item>
{
    static constexpr auto list = std::tuple{field("id", &arena::item::id),
                                            field("name", &arena::item::name),
                                            field("category", &arena::item::category),
                                            field("price", &arena::item::price),
                                            field("quantity", &arena::item::quantity),
                                            field("active", &arena::item::active),
                                            field("tags", &arena::item::tags),
                                            field("rating", &arena::item::rating)};
};

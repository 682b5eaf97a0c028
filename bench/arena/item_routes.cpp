#include "item_routes.hpp"

#include <sluice/http/request.hpp>
#include <sluice/http/response.hpp>
#include <sluice/route/json.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace arena {

struct found_items
{
    stored_items items;
    std::size_t count;
};

struct item_page
{
    stored_items items;
    std::size_t total; // in this answer
    std::int32_t page;
    std::int32_t limit;
};

struct changed_item
{
    std::int32_t id;
    sluice::pooled_string name;
    std::int32_t price;
    std::int32_t quantity;
};

} // namespace arena

template <> struct sluice::fields<arena::found_items>
{
    using type = arena::found_items;
    static constexpr auto list = std::tuple{field("items", &type::items), field("count", &type::count)};
};

template <> struct sluice::fields<arena::item_page>
{
    using type = arena::item_page;
    static constexpr auto list = std::tuple{field("items", &type::items), field("total", &type::total),
                                            field("page", &type::page), field("limit", &type::limit)};
};

template <> struct sluice::fields<arena::changed_item>
{
    using type = arena::changed_item;
    static constexpr auto list = std::tuple{field("id", &type::id), field("name", &type::name),
                                            field("price", &type::price), field("quantity", &type::quantity)};
};

namespace arena {

namespace {

using sluice::fail;
using sluice::request;
using sluice::response;
using sluice::result;
using sluice::task;
using sluice::http::status;

constexpr std::int32_t items_max = 50; // in one answer

// A whole number from the query, brought into its bounds.
result<std::int32_t> clamped(const request& asked, std::string_view name, std::int32_t otherwise, std::int32_t least,
                             std::int32_t most)
{
    const auto given = asked.query<std::int32_t>(name);
    if (!given) return fail(given.error());
    return std::clamp(given->value_or(otherwise), least, most);
}

task<result<response>> items_by_price(item_store* items, request& asked)
{
    const auto least = asked.query<std::int32_t>("min");
    if (!least) co_return fail(least.error());
    const auto most = asked.query<std::int32_t>("max");
    if (!most) co_return fail(most.error());
    const auto limit = clamped(asked, "limit", items_max, 1, items_max);
    if (!limit) co_return fail(limit.error());

    // No database is no items, and not an error.
    found_items answer = {};
    if (items != nullptr) {
        auto found = co_await items->priced(least->value_or(10), most->value_or(50), *limit);
        if (found) answer.items = std::move(*found);
    }
    answer.count = answer.items.size();
    co_return sluice::json(answer);
}

task<result<response>> page_of_items(item_store& items, request& asked)
{
    const auto category = asked.query<std::string>("category");
    if (!category) co_return fail(category.error());
    const auto page = clamped(asked, "page", 1, 1, INT32_MAX);
    if (!page) co_return fail(page.error());
    const auto limit = clamped(asked, "limit", 10, 1, items_max);
    if (!limit) co_return fail(limit.error());

    const std::string wanted = category->value_or("electronics");
    auto found = co_await items.page(wanted, *limit, (std::int64_t{*page} - 1) * *limit);
    if (!found) co_return fail(std::move(found).error());
    const std::size_t total = found->size();
    const item_page answer = {.items = std::move(*found), .total = total, .page = *page, .limit = *limit};
    co_return sluice::json(answer);
}

response item_response(const std::optional<stored_item>& found, std::string_view from)
{
    return sluice::json(*found).header("X-Cache", from);
}

// A hit costs no query.
task<result<response>> one_item(item_cache& cache, request& asked)
{
    const auto id = asked.path<std::int32_t>("id");
    if (!id) co_return fail(id.error());
    if (const auto kept = cache.here(*id)) {
        if (!*kept) co_return no_item(*id);
        co_return item_response(*kept, "HIT");
    }
    const auto found = co_await cache.load(*id);
    if (!found) co_return fail(found.error());
    if (!*found) co_return no_item(*id);
    co_return item_response(*found, "MISS");
}

task<result<response>> create_item(item_store& items, item_cache& cache, request& asked)
{
    const auto input = sluice::json_body<new_item>(asked);
    if (!input) co_return fail(input.error());
    const auto made = co_await items.insert_or_update(*input);
    const auto forgotten = co_await cache.forget(input->id);
    if (!made) co_return fail(made.error());
    if (!forgotten) co_return fail(forgotten.error());
    co_return sluice::json(*made, status::created);
}

task<result<response>> update_item(item_store& items, item_cache& cache, request& asked)
{
    const auto id = asked.path<std::int32_t>("id");
    if (!id) co_return fail(id.error());
    auto change = sluice::json_body<item_change>(asked);
    if (!change) co_return fail(std::move(change).error());
    const auto done = co_await items.update(*id, *change);
    const auto forgotten = co_await cache.forget(*id);
    if (!done) co_return fail(done.error());
    if (!forgotten) co_return fail(forgotten.error());
    const changed_item answer = {
        .id = *id, .name = std::move(change->name), .price = change->price, .quantity = change->quantity};
    co_return sluice::json(answer);
}

} // namespace

void add_item_routes(sluice::router& routes, item_store* items, item_cache* cache)
{
    routes.get("/async-db", [items](request& asked) { return items_by_price(items, asked); });
    if (items == nullptr) return;
    auto crud = routes.group("/crud/items");
    crud.get("", [items](request& asked) { return page_of_items(*items, asked); });
    crud.get("/{id}", [cache](request& asked) { return one_item(*cache, asked); });
    crud.post("", [items, cache](request& asked) { return create_item(*items, *cache, asked); });
    crud.put("/{id}", [items, cache](request& asked) { return update_item(*items, *cache, asked); });
}

} // namespace arena

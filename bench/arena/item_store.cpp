#include "item_store.hpp"

#include <string>
#include <utility>

namespace arena {

namespace {

using sluice::errc;
using sluice::fail;
using sluice::result;
using sluice::task;
using sluice::postgres::access;
using sluice::postgres::json_text;
using sluice::postgres::member;
using sluice::postgres::row;
using sluice::postgres::rows;
using sluice::postgres::statement;

constexpr statement select_priced{
    "items_priced",
    "SELECT id, name, category, price, quantity, active, tags, rating_score, rating_count FROM items "
    "WHERE price BETWEEN $1 AND $2 LIMIT $3",
    access::reads};
constexpr statement select_page{
    "items_page",
    "SELECT id, name, category, price, quantity, active, tags, rating_score, rating_count FROM items "
    "WHERE category = $1 ORDER BY id LIMIT $2 OFFSET $3",
    access::reads};
constexpr statement select_item{
    "items_find",
    "SELECT id, name, category, price, quantity, active, tags, rating_score, rating_count FROM items WHERE id = $1",
    access::reads};
constexpr statement change_item{"items_update", "UPDATE items SET name = $2, price = $3, quantity = $4 WHERE id = $1"};
constexpr statement upsert_item{
    "items_upsert", "INSERT INTO items (id, name, category, price, quantity, active, tags, rating_score, rating_count) "
                    "VALUES ($1, $2, $3, $4, $5, true, '[]', 0, 0) "
                    "ON CONFLICT (id) DO UPDATE SET name = $2, category = $3, price = $4, quantity = $5 "
                    "RETURNING id, name, category, price, quantity, active, tags, rating_score, rating_count"};

result<void> read_columns(const row& from, auto&... into)
{
    result<void> done;
    int column = 0;
    (void)((done = from.read(column++, into)).has_value() && ...);
    return done;
}

// The columns in the order in which all of them name them; an error where one does not fit.
result<stored_item> read_item(const row& from)
{
    result<stored_item> made;
    json_text tags;
    std::int32_t score = 0, count = 0;
    auto done = read_columns(from, made->id, made->name, made->category, made->price, made->quantity, made->active,
                             tags, score, count);
    if (!done) return fail(std::move(done).error());
    made->tags.text = tags.text;
    made->rating = {.score = static_cast<std::uint32_t>(score), .count = static_cast<std::uint32_t>(count)};
    return made;
}

result<stored_items> read_items(const rows& from)
{
    result<stored_items> made;
    made->reserve(from.size());
    for (const row one : from) {
        auto item = read_item(one);
        if (!item) return fail(std::move(item).error());
        made->push_back(std::move(*item));
    }
    return made;
}

} // namespace

std::unexpected<sluice::error> no_item(std::int32_t id)
{
    return fail(errc::not_found, "Item " + std::to_string(id) + " not found");
}

task<result<stored_items>> item_store::priced(std::int32_t least, std::int32_t most, std::int32_t limit)
{
    auto found = co_await database_.query(select_priced, least, most, std::int64_t{limit});
    if (!found) co_return fail(std::move(found).error());
    co_return read_items(*found);
}

task<result<stored_items>> item_store::page(std::string_view category, std::int32_t limit, std::int64_t offset)
{
    auto found = co_await database_.query(select_page, member("/category", category), std::int64_t{limit}, offset);
    if (!found) co_return fail(std::move(found).error());
    co_return read_items(*found);
}

task<result<stored_item>> item_store::find(std::int32_t id)
{
    auto found = co_await database_.query(select_item, id);
    if (!found) co_return fail(std::move(found).error());
    if (found->empty()) co_return no_item(id);
    co_return read_item((*found)[0]);
}

task<result<void>> item_store::update(std::int32_t id, const item_change& change)
{
    const auto name = member("/name", change.name);
    auto done = co_await database_.query(change_item, id, name, change.price, change.quantity);
    if (!done) co_return fail(std::move(done).error());
    if (done->affected() == 0) co_return no_item(id);
    co_return {};
}

task<result<stored_item>> item_store::insert_or_update(const new_item& item)
{
    const auto name = member("/name", item.name);
    const auto category = member("/category", item.category);
    auto made = co_await database_.query(upsert_item, item.id, name, category, item.price, item.quantity);
    if (!made) co_return fail(std::move(made).error());
    co_return read_item((*made)[0]);
}

} // namespace arena

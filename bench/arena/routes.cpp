#include "routes.hpp"

#include <sluice/route/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace arena {

// What /json says of an item: all of it, and what k times the stock is worth. Refers to the data set, copies nothing.
struct priced_item
{
    std::uint32_t id;
    std::string_view name;
    std::string_view category;
    std::uint32_t price;
    std::uint32_t quantity;
    bool active;
    std::span<const std::string> tags;
    arena::rating rating;
    std::int64_t total;
};

struct priced_items
{
    sluice::pooled_vector<priced_item> items;
    std::size_t count;
};

} // namespace arena

template <> struct sluice::fields<arena::priced_item>
{
    using type = arena::priced_item;
    static constexpr auto list =
        std::tuple{field("id", &type::id),       field("name", &type::name),         field("category", &type::category),
                   field("price", &type::price), field("quantity", &type::quantity), field("active", &type::active),
                   field("tags", &type::tags),   field("rating", &type::rating),     field("total", &type::total)};
};

template <> struct sluice::fields<arena::priced_items>
{
    static constexpr auto list =
        std::tuple{field("items", &arena::priced_items::items), field("count", &arena::priced_items::count)};
};

namespace arena {

namespace {

using sluice::errc;
using sluice::fail;
using sluice::request;
using sluice::response;
using sluice::result;
using sluice::task;

constexpr std::uint64_t upload_bytes_max = 20 * 1024 * 1024;

response number(std::int64_t value)
{
    std::array<char, 24> digits;
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return response::text({digits.data(), written.ptr});
}

result<std::int64_t> sum(std::int64_t a, std::int64_t b)
{
    std::int64_t both = 0;
    if (__builtin_add_overflow(a, b, &both)) return fail(errc::malformed, "The sum is out of range");
    return both;
}

result<std::int64_t> sum_of_query(const request& asked)
{
    const auto a = asked.query<std::int64_t>("a");
    if (!a) return fail(a.error());
    const auto b = asked.query<std::int64_t>("b");
    if (!b) return fail(b.error());
    return sum(a->value_or(0), b->value_or(0));
}

result<response> baseline(request& asked)
{
    const auto total = sum_of_query(asked);
    if (!total) return fail(total.error());
    return number(*total);
}

result<response> baseline_with_body(request& asked)
{
    const auto total = sum_of_query(asked);
    if (!total) return fail(total.error());
    const auto body = sluice::http::from_text<std::int64_t>(asked.body());
    if (!body) return fail(errc::malformed, "The body is not a whole number");
    const auto with_body = sum(*total, *body);
    if (!with_body) return fail(with_body.error());
    return number(*with_body);
}

result<response> priced(std::span<const item> all, request& asked)
{
    const auto count = asked.path<std::size_t>("count");
    if (!count) return fail(count.error());
    const auto factor = asked.query<std::int32_t>("m");
    if (!factor) return fail(factor.error());

    const auto chosen = all.first(std::min(*count, all.size()));
    priced_items answer = {.items = {}, .count = chosen.size()};
    answer.items.reserve(chosen.size());
    for (const item& one : chosen) {
        const std::int64_t total = std::int64_t{one.price} * one.quantity * factor->value_or(1);
        answer.items.push_back(
            {one.id, one.name, one.category, one.price, one.quantity, one.active, one.tags, one.rating, total});
    }
    return sluice::json(answer);
}

task<result<response>> upload(request& asked)
{
    std::int64_t received = 0;
    for (;;) {
        const auto piece = co_await asked.stream().read();
        if (!piece) co_return fail(piece.error());
        if (piece->empty()) break;
        received += static_cast<std::int64_t>(piece->size());
    }
    co_return number(received);
}

} // namespace

void add_routes(sluice::router& routes, std::span<const item> items)
{
    routes.get("/pipeline", [](request&) { return response::text("ok"); });
    routes.get("/baseline11", baseline);
    routes.post("/baseline11", baseline_with_body);
    routes.get("/json/{count}", [items](request& asked) { return priced(items, asked); });
    routes.post("/upload", upload, {.body_bytes = upload_bytes_max, .stream_body = true});
}

} // namespace arena

#include "resources/users/user_routes.hpp"

#include "resources/users/user_cursor.hpp"

#include <sluice/http/entity_tag.hpp>
#include <sluice/http/problem.hpp>
#include <sluice/route/json.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::users {

namespace {

struct page_document
{
    pooled_vector<user> items;
    std::optional<pooled_string> next_cursor;
};

} // namespace

} // namespace sluice::users

template <> struct sluice::fields<sluice::users::page_document>
{
    using page_document = users::page_document;
    static constexpr auto list =
        std::tuple{field("items", &page_document::items), field("next_cursor", &page_document::next_cursor)};
};

namespace sluice::users {

namespace {

using http::status;

constexpr std::string_view merge_patch_json = "application/merge-patch+json";
// Personal data: no shared cache keeps it, and a private one asks each time, with the ETag.
constexpr std::string_view cache_control = "private, no-cache";

// --- Versions as entity tags

class version_tag
{
public:
    explicit version_tag(std::int64_t version) noexcept
    {
        text_[0] = '"';
        char* end = std::to_chars(text_.data() + 1, text_.data() + text_.size() - 1, version).ptr;
        *end = '"';
        size_ = static_cast<std::size_t>(end + 1 - text_.data());
    }
    [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

private:
    std::array<char, 24> text_;
    std::size_t size_;
};

std::optional<std::int64_t> version_of(const http::entity_tag& tag)
{
    if (tag.weak) return std::nullopt; // If-Match compares strongly: byte for byte
    const auto version = http::from_text<std::int64_t>(tag.opaque);
    if (!version || std::to_string(*version) != tag.opaque) return std::nullopt;
    return version;
}

// What a write demands of the version that it meets.
result<version_condition> write_condition(const request& asked)
{
    // To ignore it would write where the client said not to (RFC 9110, section 13.1.2).
    if (asked.header("If-None-Match")) return fail(errc::malformed, "A write is made conditional by If-Match alone");
    version_condition when;
    for (const http::header& field : asked.headers().all()) {
        if (!http::equal_ignoring_case(field.name, "If-Match") || field.value == "*") continue;
        when.any = false;
        http::entity_tag_list tags(field.value);
        while (const auto tag = tags.next())
            if (const auto version = version_of(*tag)) when.versions.push_back(*version);
        if (tags.malformed()) return fail(errc::malformed, "If-Match must be a list of entity tags");
    }
    return when;
}

response user_response(const user& found, status code)
{
    response answer = json(found, code);
    answer.header("ETag", version_tag(found.version).view());
    return answer;
}

// --- Pages

struct page_query
{
    std::optional<uuid> after;
    std::size_t size;
};

result<page_query> read_page_query(const request& asked)
{
    const auto limit = asked.query<std::size_t>("limit");
    if (!limit || (*limit && (**limit < 1 || **limit > page_size_max)))
        return fail(errc::malformed, "limit must be a whole number from 1 to 200");
    auto cursor = asked.query<std::string>("cursor");
    page_query query{.after = std::nullopt, .size = limit->value_or(page_size_default)};
    if (cursor && *cursor) query.after = read_cursor(**cursor);
    if (!cursor || (*cursor && !query.after)) return fail(errc::malformed, "cursor must be one that a page gave");
    return query;
}

response page_response(page_document page) { return json(page).header("Cache-Control", cache_control); }

// --- The handlers

task<result<response>> create_user(user_service& users, request& asked)
{
    auto input = json_body<new_user>(asked);
    if (!input) co_return fail(std::move(input).error());
    auto made = co_await users.create(std::move(*input));
    if (!made) co_return fail(std::move(made).error());
    response answer = user_response(*made, status::created);
    answer.header("Location", "/users/" + made->id.to_string());
    co_return answer;
}

response shown(const user& found, const request& asked)
{
    const version_tag tag(found.version);
    const bool unchanged = http::if_none_match_names(asked, tag.view());
    response answer = unchanged ? response(status::not_modified) : json(found);
    answer.header("ETag", tag.view()).header("Cache-Control", cache_control);
    return answer;
}

std::optional<result<response>> show_known_user(user_service& users, request& asked)
{
    const auto id = asked.path<uuid>("id");
    if (!id) return fail(id.error());
    const auto known = users.known(*id);
    if (!known) return std::nullopt;
    if (!*known) return fail(user_not_found(*id));
    return shown(**known, asked);
}

task<result<response>> show_user(user_service& users, request& asked)
{
    const auto id = asked.path<uuid>("id");
    if (!id) co_return fail(id.error());
    auto found = co_await users.find(*id);
    if (!found) co_return fail(std::move(found).error());
    co_return shown(*found, asked);
}

task<result<response>> list_users(user_service& users, request& asked)
{
    const auto query = read_page_query(asked);
    if (!query) co_return fail(query.error());
    auto email = asked.query<std::string>("email");
    if (!email) co_return fail(std::move(email).error());
    page_document document;
    if (*email) {
        auto found = co_await users.find_by_email(pooled_string(**email));
        if (!found) co_return fail(std::move(found).error());
        if (*found) document.items.push_back(**std::move(found));
    } else {
        auto page = co_await users.list(query->after, query->size);
        if (!page) co_return fail(std::move(page).error());
        document.items = std::move(page->items);
        if (page->next) document.next_cursor = write_cursor(*page->next);
    }
    co_return page_response(std::move(document));
}

task<result<response>> update_user(user_service& users, request& asked)
{
    const auto id = asked.path<uuid>("id");
    if (!id) co_return fail(id.error());
    auto patch = json_body<user_patch>(asked, {merge_patch_json, http::application_json});
    if (!patch && patch.error().code == errc::unsupported_media_type)
        co_return http::problem(patch.error(), &asked.context())
            .header("Accept-Patch", "application/merge-patch+json, application/json");
    if (!patch) co_return fail(std::move(patch).error());
    auto when = write_condition(asked);
    if (!when) co_return fail(std::move(when).error());
    auto changed = co_await users.update(*id, std::move(*patch), std::move(*when));
    if (!changed) co_return fail(std::move(changed).error());
    co_return user_response(*changed, status::ok);
}

task<result<response>> remove_user(user_service& users, request& asked)
{
    const auto id = asked.path<uuid>("id");
    if (!id) co_return fail(id.error());
    auto when = write_condition(asked);
    if (!when) co_return fail(std::move(when).error());
    auto removed = co_await users.remove(*id, std::move(*when));
    if (!removed) co_return fail(std::move(removed).error());
    co_return response(status::no_content);
}

} // namespace

void user_routes(route_group& routes, user_service& users)
{
    auto group = routes.group("/users");
    group.post("", [&users](request& asked) { return create_user(users, asked); });
    group.get("", [&users](request& asked) { return list_users(users, asked); });
    group.get("/{id}", [&users](request& asked) { return show_user(users, asked); }).at_once([&users](request& asked) {
        return show_known_user(users, asked);
    });
    group.patch("/{id}", [&users](request& asked) { return update_user(users, asked); });
    group.del("/{id}", [&users](request& asked) { return remove_user(users, asked); });
}

} // namespace sluice::users

// What the users API answers, as a client reads it.
#pragma once

#include <sluice/json/fields.hpp>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace sluice::users {

struct user_document
{
    std::string id, email, name, created_at, updated_at;
    friend bool operator==(const user_document&, const user_document&) = default;
};
struct page_document
{
    std::vector<user_document> items;
    patch_field<std::string> next_cursor;
};
struct error_entry
{
    std::string pointer, detail;
};
struct problem_document
{
    std::string type, title;
    int status = 0;
    std::optional<std::string> detail;
    std::string trace_id;
    std::optional<std::vector<error_entry>> errors;
};

} // namespace sluice::users

namespace sluice {

template <> struct fields<users::user_document>
{
    using T = users::user_document;
    static constexpr auto list = std::tuple{field("id", &T::id), field("email", &T::email), field("name", &T::name),
                                            field("created_at", &T::created_at), field("updated_at", &T::updated_at)};
};
template <> struct fields<users::page_document>
{
    using T = users::page_document;
    static constexpr auto list = std::tuple{field("items", &T::items), field("next_cursor", &T::next_cursor)};
};
template <> struct fields<users::error_entry>
{
    using T = users::error_entry;
    static constexpr auto list = std::tuple{field("pointer", &T::pointer), field("detail", &T::detail)};
};
template <> struct fields<users::problem_document>
{
    using T = users::problem_document;
    static constexpr auto list =
        std::tuple{field("type", &T::type),     field("title", &T::title),       field("status", &T::status),
                   field("detail", &T::detail), field("trace_id", &T::trace_id), field("errors", &T::errors)};
};

} // namespace sluice

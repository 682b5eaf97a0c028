// What the tests read and write: one member of each kind that JSON has a form for.
#pragma once

#include <sluice/core/pool.hpp>
#include <sluice/json/fields.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::test {

enum class role : std::uint8_t
{
    member,
    admin,
};

struct address
{
    std::string city;
    std::vector<std::uint16_t> codes;
    friend bool operator==(const address&, const address&) = default;
};

struct person
{
    uuid id;
    pooled_string email;
    bool active = false;
    std::int64_t balance = 0;
    std::uint8_t level = 0;
    double score = 0;
    timestamp since{};
    role access = role::member;
    std::optional<std::string> nickname;
    patch_field<std::int32_t> limit;
    address home;
    std::vector<address> others;
    friend bool operator==(const person&, const person&) = default;
};

struct login
{
    std::string name;
    std::int32_t age = 0;
    friend bool operator==(const login&, const login&) = default;
};

struct page
{
    std::vector<login> items;
    std::optional<std::string> next_cursor;
};

} // namespace sluice::test

template <> struct sluice::enum_names<sluice::test::role>
{
    static constexpr std::array list = {std::pair{std::string_view("member"), test::role::member},
                                        std::pair{std::string_view("admin"), test::role::admin}};
};

template <> struct sluice::fields<sluice::test::address>
{
    using model = test::address;
    static constexpr auto list = std::tuple{field("city", &model::city), field("codes", &model::codes)};
};

template <> struct sluice::fields<sluice::test::person>
{
    using model = test::person;
    static constexpr auto list = std::tuple{
        field("id", &model::id),           field("email", &model::email), field("active", &model::active),
        field("balance", &model::balance), field("level", &model::level), field("score", &model::score),
        field("since", &model::since),     field("role", &model::access), field("nickname", &model::nickname),
        field("limit", &model::limit),     field("home", &model::home),   field("others", &model::others)};
};

template <> struct sluice::fields<sluice::test::login>
{
    using model = test::login;
    static constexpr auto list = std::tuple{field("name", &model::name), field("age", &model::age)};
};

template <> struct sluice::fields<sluice::test::page>
{
    using model = test::page;
    static constexpr auto list = std::tuple{field("items", &model::items), field("next_cursor", &model::next_cursor)};
};

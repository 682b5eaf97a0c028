// The user: what it is made of, what makes one, what changes one. Values; no rules and no I/O.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/uuid.hpp>
#include <sluice/json/fields.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>

namespace sluice::users {

struct user
{
    uuid id;
    pooled_string email;
    pooled_string name;
    timestamp created_at{};
    timestamp updated_at{};
    std::int64_t version = 1; // of the row: counts its changes, and is its ETag
    friend bool operator==(const user&, const user&) = default;
};

struct new_user
{
    pooled_string email;
    pooled_string name;
    pooled_string email_key = {}; // the service's: the e-mail as it must be unique
};

// What a patch leaves out stays as it is.
struct user_patch
{
    std::optional<pooled_string> email;
    std::optional<pooled_string> name;
    std::optional<pooled_string> email_key = {}; // the service's, with `email`
};

// Which versions of a row a write may touch.
struct version_condition
{
    bool any = true;
    pooled_vector<std::int64_t> versions = {};

    [[nodiscard]] bool admits(std::int64_t version) const
    {
        return any || std::ranges::find(versions, version) != versions.end();
    }
};

} // namespace sluice::users

template <> struct sluice::fields<sluice::users::user>
{
    using user = users::user;
    static constexpr auto list =
        std::tuple{field("id", &user::id), field("email", &user::email), field("name", &user::name),
                   field("created_at", &user::created_at), field("updated_at", &user::updated_at)};
};

template <> struct sluice::fields<sluice::users::new_user>
{
    using new_user = users::new_user;
    static constexpr auto list = std::tuple{field("email", &new_user::email), field("name", &new_user::name)};
};

template <> struct sluice::fields<sluice::users::user_patch>
{
    using user_patch = users::user_patch;
    static constexpr auto list = std::tuple{field("email", &user_patch::email), field("name", &user_patch::name)};
};

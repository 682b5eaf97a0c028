// The rules about users: what is valid, what is unique, what a page is, and that a write is acknowledged only when no
// shard has the old value any more. Knows the repository's interface, the cache and the error type; no HTTP and no SQL.
// One a shard, owned by the wiring together with its repository and its cache.
#pragma once

#include "resources/users/user_cache.hpp"
#include "resources/users/user_repository.hpp"

#include <cstddef>
#include <optional>

namespace sluice::users {

inline constexpr std::size_t page_size_default = 50;
inline constexpr std::size_t page_size_max = 200;

// Users in the order of their ids, which is the order in which they were made: the newest last.
struct user_page
{
    pooled_vector<user> items;
    std::optional<uuid> next; // the page after this one starts behind it; nothing: this is the last
};

class user_service
{
public:
    // Without a cache every look-up is the repository's.
    explicit user_service(user_repository& users, user_cache* cache = nullptr) noexcept : users_(users), cache_(cache)
    {}

    [[nodiscard]] task<result<user>> create(new_user input);
    // What the shard's memory says of him, absence included; nothing: he has to be looked for.
    [[nodiscard]] std::optional<std::optional<user>> known(const uuid& id)
    {
        if (cache_ == nullptr) return std::nullopt;
        return cache_->known(id);
    }
    [[nodiscard]] eventual<result<user>> find(uuid id)
    {
        if (cache_ == nullptr) return users_.find(id);
        return cache_->find(id);
    }
    [[nodiscard]] task<result<std::optional<user>>> find_by_email(pooled_string email);
    // `size` is 1 to page_size_max.
    [[nodiscard]] task<result<user_page>> list(std::optional<uuid> after, std::size_t size);
    [[nodiscard]] task<result<user>> update(uuid id, user_patch patch, version_condition when);
    [[nodiscard]] task<result<void>> remove(uuid id, version_condition when);

private:
    user_repository& users_;
    user_cache* cache_;
};

} // namespace sluice::users

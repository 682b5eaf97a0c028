// Users in the cache: by their id, and by their e-mail as it is unique. An e-mail leads to an id and that to the user,
// so a user is kept once and a change of his has one key; who has lost an e-mail meanwhile is noticed when it is read.
//
// One a shard, over that shard's repository, which loads what is in no tier. Both outlive the service.
#pragma once

#include "resources/users/user_repository.hpp"

#include <sluice/cache/two_tier_cache.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice {

template <> struct cache_codec<users::user>
{
    static void write(const users::user& value, pooled_string& out);
    [[nodiscard]] static bool read(std::string_view bytes, users::user& value);
};

} // namespace sluice

namespace sluice::users {

class user_cache
{
public:
    user_cache(cache::shard_cache& part, user_repository& users);

    // From the first tier alone; nothing: he has to be loaded.
    [[nodiscard]] std::optional<std::optional<user>> known(const uuid& id) { return by_id_.here(id); }
    // Fails with not_found.
    [[nodiscard]] eventual<result<user>> find(uuid id);
    [[nodiscard]] task<result<std::optional<user>>> find_by_email(pooled_string email_key);

    // After a write, or where nobody knows whether there was one: until every shard has dropped what it touched.
    // `email_key` may be empty.
    [[nodiscard]] task<result<void>> invalidate(uuid id, std::string_view email_key);
    [[nodiscard]] task<result<void>> invalidate_email(std::string_view email_key);
    // Of a write whose outcome nobody knows: it may be done any moment, so its keys are invalidated once more when the
    // database has given it up.
    void invalidate_later(std::optional<uuid> id, std::string_view email_key);

private:
    [[nodiscard]] task<result<user>> load(uuid id);
    [[nodiscard]] task<void> once_more(std::optional<uuid> id, pooled_string email_key);

    cache::shard_cache& part_;
    user_repository& users_;
    two_tier_cache<uuid, user> by_id_;
    two_tier_cache<pooled_string, uuid> by_email_;
    std::size_t settling_ = 0; // writes that are invalidated later
};

} // namespace sluice::users

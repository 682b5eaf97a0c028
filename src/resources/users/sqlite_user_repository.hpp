// Users in the embedded database. Any number of these, one a shard, share one database, which outlives them.
#pragma once

#include "resources/users/user_repository.hpp"

#include <sluice/sqlite/database.hpp>

namespace sluice::users {

class sqlite_user_repository final : public user_repository
{
public:
    explicit sqlite_user_repository(sqlite::database& db) noexcept : db_(db) {}

    [[nodiscard]] task<result<user>> insert(new_user input) override;
    [[nodiscard]] task<result<user>> find(uuid id) override;
    [[nodiscard]] task<result<std::optional<user>>> find_by_email(pooled_string email_key) override;
    [[nodiscard]] task<result<pooled_vector<user>>> list(std::optional<uuid> after, std::size_t count) override;
    [[nodiscard]] task<result<user>> update(uuid id, user_patch patch, version_condition when) override;
    [[nodiscard]] task<result<void>> remove(uuid id, version_condition when) override;

private:
    sqlite::database& db_;
};

} // namespace sluice::users

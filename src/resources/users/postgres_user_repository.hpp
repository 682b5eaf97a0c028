// Users in PostgreSQL, by the shard's connections, which outlive this.
//
// Ids are made here, by the clock: of users that several shards or processes keep within the same moment, the later
// acknowledged may have the lower id, so that who follows pages past this moment misses it. What is found again is
// always the row itself; nothing is kept here.
#pragma once

#include "resources/users/user_repository.hpp"

#include <sluice/postgres/pool.hpp>

namespace sluice::users {

class postgres_user_repository final : public user_repository
{
public:
    explicit postgres_user_repository(postgres::pool& db) noexcept : db_(db) {}

    [[nodiscard]] task<result<user>> insert(new_user input) override;
    [[nodiscard]] task<result<user>> find(uuid id) override;
    [[nodiscard]] task<result<std::optional<user>>> find_by_email(pooled_string email_key) override;
    [[nodiscard]] task<result<pooled_vector<user>>> list(std::optional<uuid> after, std::size_t count) override;
    [[nodiscard]] task<result<user>> update(uuid id, user_patch patch, version_condition when) override;
    [[nodiscard]] task<result<void>> remove(uuid id, version_condition when) override;

private:
    [[nodiscard]] task<error> untouched(uuid id);

    postgres::pool& db_;
};

} // namespace sluice::users

// Users in memory: for tests without a database, and for measuring everything above one.
//
// One shard's: nothing is shared, so a server with several shards has as many separate sets of users. Users are gone
// with the process, and their number has no bound. No method waits.
#pragma once

#include "resources/users/user_repository.hpp"

#include <functional>
#include <map>
#include <string_view>
#include <unordered_map>

namespace sluice::users {

class memory_user_repository final : public user_repository
{
public:
    // The time that rows are stamped with; tests own it.
    using clock = std::function<timestamp()>;
    explicit memory_user_repository(clock now);
    memory_user_repository();

    [[nodiscard]] task<result<user>> insert(new_user input) override;
    [[nodiscard]] task<result<user>> find(uuid id) override;
    [[nodiscard]] task<result<std::optional<user>>> find_by_email(pooled_string email_key) override;
    [[nodiscard]] task<result<pooled_vector<user>>> list(std::optional<uuid> after, std::size_t count) override;
    [[nodiscard]] task<result<user>> update(uuid id, user_patch patch, version_condition when) override;
    [[nodiscard]] task<result<void>> remove(uuid id, version_condition when) override;

    // Keeps a user as it is, under an id of the caller's choice that is not in use.
    void put(user known, pooled_string email_key);

private:
    struct entry
    {
        user value;
        pooled_string email_key;
    };
    clock now_;
    std::map<uuid, entry> by_id_;                           // in the order of pages
    std::unordered_map<uuid, entry*> index_;                // the same by hash: what a look-up uses
    std::unordered_map<std::string_view, entry*> by_email_; // keys are the entries' own
};

} // namespace sluice::users

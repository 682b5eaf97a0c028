// Where users are kept: the interface that the service knows, and the errors that every implementation gives.
//
// A write that was acknowledged is seen by every read that starts after it. Thread: a shard's; an implementation says
// what it shares between shards.
#pragma once

#include "resources/users/user.hpp"

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>

#include <cstddef>
#include <optional>

namespace sluice::users {

class user_repository
{
public:
    virtual ~user_repository() = default;

    // Keeps a user under a new id; ids ascend in the order in which users are kept. Fails with conflict if the e-mail
    // is taken.
    [[nodiscard]] virtual task<result<user>> insert(new_user input) = 0;
    // Fails with not_found.
    [[nodiscard]] virtual task<result<user>> find(uuid id) = 0;
    [[nodiscard]] virtual task<result<std::optional<user>>> find_by_email(pooled_string email_key) = 0;
    // At most `count` users with ids above `after`, in the order of their ids.
    [[nodiscard]] virtual task<result<pooled_vector<user>>> list(std::optional<uuid> after, std::size_t count) = 0;
    // The user as changed; one that the patch changes nothing in keeps its version and time. The condition is compared
    // in the same step as the change. Fails with not_found, precondition_failed, or conflict if the e-mail is taken.
    [[nodiscard]] virtual task<result<user>> update(uuid id, user_patch patch, version_condition when) = 0;
    // Fails with not_found or precondition_failed.
    [[nodiscard]] virtual task<result<void>> remove(uuid id, version_condition when) = 0;
};

[[nodiscard]] error user_not_found(const uuid& id);
[[nodiscard]] error user_changed(const uuid& id);
[[nodiscard]] error email_taken();

} // namespace sluice::users

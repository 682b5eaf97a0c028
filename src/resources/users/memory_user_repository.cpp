#include "resources/users/memory_user_repository.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/core/timestamp.hpp>

#include <utility>

namespace sluice::users {

memory_user_repository::memory_user_repository(clock now) : now_(std::move(now)) {}
memory_user_repository::memory_user_repository() : memory_user_repository(&wall_now) {}

void memory_user_repository::put(user known, pooled_string email_key)
{
    const uuid id = known.id;
    auto [at, added] = by_id_.try_emplace(id, entry{std::move(known), std::move(email_key)});
    SLUICE_ASSERT(added);
    index_.emplace(id, &at->second);
    by_email_.emplace(at->second.email_key, &at->second);
}

task<result<user>> memory_user_repository::insert(new_user input)
{
    if (by_email_.contains(input.email_key)) co_return fail(email_taken());
    const timestamp now = now_();
    user made{.id = uuid::make_v7(now),
              .email = std::move(input.email),
              .name = std::move(input.name),
              .created_at = now,
              .updated_at = now};
    put(made, std::move(input.email_key));
    co_return made;
}

task<result<user>> memory_user_repository::find(uuid id)
{
    const auto found = index_.find(id);
    if (found == index_.end()) co_return fail(user_not_found(id));
    co_return found->second->value;
}

task<result<std::optional<user>>> memory_user_repository::find_by_email(pooled_string email_key)
{
    const auto found = by_email_.find(email_key);
    if (found == by_email_.end()) co_return std::optional<user>();
    co_return found->second->value;
}

task<result<pooled_vector<user>>> memory_user_repository::list(std::optional<uuid> after, std::size_t count)
{
    pooled_vector<user> page;
    for (auto at = after ? by_id_.upper_bound(*after) : by_id_.begin(); at != by_id_.end() && page.size() < count; ++at)
        page.push_back(at->second.value);
    co_return page;
}

task<result<user>> memory_user_repository::update(uuid id, user_patch patch, version_condition when)
{
    const auto found = index_.find(id);
    if (found == index_.end()) co_return fail(user_not_found(id));
    entry& known = *found->second;
    if (!when.admits(known.value.version)) co_return fail(user_changed(id));
    if (patch.email_key && *patch.email_key != known.email_key) {
        if (by_email_.contains(*patch.email_key)) co_return fail(email_taken());
        by_email_.erase(known.email_key);
        known.email_key = std::move(*patch.email_key);
        by_email_.emplace(known.email_key, &known);
    }
    user changed = known.value;
    if (patch.email) changed.email = std::move(*patch.email);
    if (patch.name) changed.name = std::move(*patch.name);
    if (changed != known.value) {
        changed.updated_at = now_();
        ++changed.version;
        known.value = changed;
    }
    co_return changed;
}

task<result<void>> memory_user_repository::remove(uuid id, version_condition when)
{
    const auto found = index_.find(id);
    if (found == index_.end()) co_return fail(user_not_found(id));
    if (!when.admits(found->second->value.version)) co_return fail(user_changed(id));
    by_email_.erase(found->second->email_key);
    index_.erase(found);
    by_id_.erase(id);
    co_return result<void>();
}

} // namespace sluice::users

#include "resources/users/sqlite_user_repository.hpp"

#include <sluice/core/timestamp.hpp>
#include <sluice/sqlite/fields.hpp>

#include <string>
#include <utility>

namespace sluice::users {

namespace {

using sqlite::connection;
using sqlite::row;
using sqlite::sql;

// The columns of every statement that gives users: the fields in their order, then the version.
constexpr sql insert_user = "INSERT INTO users (id, email, name, created_at, updated_at, version, email_key) "
                            "VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5)";
constexpr sql user_by_id = "SELECT id, email, name, created_at, updated_at, version FROM users WHERE id = ?1";
constexpr sql user_by_email = "SELECT id, email, name, created_at, updated_at, version FROM users WHERE email_key = ?1";
constexpr sql users_after =
    "SELECT id, email, name, created_at, updated_at, version FROM users WHERE id > ?1 ORDER BY id LIMIT ?2";
constexpr sql update_user = R"(
UPDATE users
SET email = coalesce(?2, email),
    name = coalesce(?3, name),
    email_key = coalesce(?4, email_key),
    updated_at = CASE WHEN coalesce(?2, email) = email AND coalesce(?3, name) = name THEN updated_at ELSE ?5 END,
    version = version + (coalesce(?2, email) <> email OR coalesce(?3, name) <> name)
WHERE id = ?1 AND (?6 OR version IN (SELECT value FROM json_each(?7)))
RETURNING id, email, name, created_at, updated_at, version)";
constexpr sql delete_user = "DELETE FROM users WHERE id = ?1 AND (?2 OR version IN (SELECT value FROM json_each(?3)))";

user to_user(const row& r)
{
    user made = sqlite::read_fields<user>(r);
    made.version = r.get<std::int64_t>(5);
    return made;
}

// The versions as SQL can search them: a JSON array.
std::string as_json(const version_condition& when)
{
    std::string text = "[";
    for (const std::int64_t version : when.versions)
        text.append(text.size() > 1 ? "," : "").append(std::to_string(version));
    return text + "]";
}

error translated(error failure) { return failure.code == errc::conflict ? email_taken() : std::move(failure); }

// Why did a conditional write touch nothing? Asked in the same transaction.
error untouched(connection& c, const uuid& id)
{
    auto found = c.query_one(user_by_id, [](const row&) { return true; }, id);
    if (!found) return std::move(found).error();
    return *found ? user_changed(id) : user_not_found(id);
}

} // namespace

task<result<user>> sqlite_user_repository::insert(new_user input)
{
    // The id is made on the writer's thread, so that ids ascend in the order of commits and no page misses a user.
    return db_.write([input = std::move(input)](connection& c) mutable -> result<user> {
        const timestamp now = wall_now();
        const uuid id = uuid::make_v7(now);
        auto stored = c.execute(insert_user, id, input.email, input.name, now, input.email_key);
        if (!stored) return fail(translated(std::move(stored).error()));
        return user{.id = id,
                    .email = std::move(input.email),
                    .name = std::move(input.name),
                    .created_at = now,
                    .updated_at = now};
    });
}

task<result<user>> sqlite_user_repository::find(uuid id)
{
    return db_.read([id](connection& c) -> result<user> {
        auto found = c.query_one(user_by_id, &to_user, id);
        if (!found) return fail(std::move(found).error());
        if (!*found) return fail(user_not_found(id));
        return **std::move(found);
    });
}

task<result<std::optional<user>>> sqlite_user_repository::find_by_email(pooled_string email_key)
{
    return db_.read([key = std::move(email_key)](connection& c) { return c.query_one(user_by_email, &to_user, key); });
}

task<result<pooled_vector<user>>> sqlite_user_repository::list(std::optional<uuid> after, std::size_t count)
{
    return db_.read([after, count](connection& c) -> result<pooled_vector<user>> {
        pooled_vector<user> page;
        auto read =
            c.query(users_after, [&](const row& r) { page.push_back(to_user(r)); }, after.value_or(uuid()), count);
        if (!read) return fail(std::move(read).error());
        return page;
    });
}

task<result<user>> sqlite_user_repository::update(uuid id, user_patch patch, version_condition when)
{
    return db_.write([id, patch = std::move(patch), when = std::move(when)](connection& c) -> result<user> {
        auto changed = c.query_one(update_user, &to_user, id, patch.email, patch.name, patch.email_key, wall_now(),
                                   when.any, as_json(when));
        if (!changed) return fail(translated(std::move(changed).error()));
        if (!*changed) return fail(untouched(c, id));
        return **std::move(changed);
    });
}

task<result<void>> sqlite_user_repository::remove(uuid id, version_condition when)
{
    return db_.write([id, when = std::move(when)](connection& c) -> result<void> {
        auto deleted = c.execute(delete_user, id, when.any, as_json(when));
        if (!deleted) return fail(std::move(deleted).error());
        if (*deleted == 0) return fail(untouched(c, id));
        return {};
    });
}

} // namespace sluice::users

#include "resources/users/postgres_user_repository.hpp"

#include <sluice/core/timestamp.hpp>
#include <sluice/postgres/fields.hpp>

#include <string_view>
#include <utility>

namespace sluice::users {

namespace {

using postgres::access;
using postgres::member;
using postgres::row;
using postgres::statement;

// The columns of every statement that gives users: the fields in their order, then the version.
constexpr statement insert_user{.name = "users_insert",
                                .sql =
                                    "INSERT INTO users (id, email, name, created_at, updated_at, version, email_key) "
                                    "VALUES ($1, $2, $3, $4, $4, 1, $5)"};
constexpr statement user_by_id{.name = "users_by_id",
                               .sql =
                                   "SELECT id, email, name, created_at, updated_at, version FROM users WHERE id = $1",
                               .does = access::reads};
constexpr statement user_by_email{
    .name = "users_by_email",
    .sql = "SELECT id, email, name, created_at, updated_at, version FROM users WHERE email_key = $1",
    .does = access::reads};
constexpr statement users_after{
    .name = "users_after",
    .sql = "SELECT id, email, name, created_at, updated_at, version FROM users WHERE id > $1 ORDER BY id LIMIT $2",
    .does = access::reads};
constexpr statement update_user{.name = "users_update", .sql = R"(
UPDATE users
SET email = coalesce($2, email),
    name = coalesce($3, name),
    email_key = coalesce($4, email_key),
    updated_at = CASE WHEN (coalesce($2, email), coalesce($3, name)) = (email, name) THEN updated_at ELSE $5 END,
    version = version + CASE WHEN (coalesce($2, email), coalesce($3, name)) = (email, name) THEN 0 ELSE 1 END
WHERE id = $1 AND ($6 OR version = ANY ($7))
RETURNING id, email, name, created_at, updated_at, version)"};
constexpr statement delete_user{.name = "users_delete",
                                .sql = "DELETE FROM users WHERE id = $1 AND ($2 OR version = ANY ($3))"};

result<user> to_user(const row& r)
{
    auto made = postgres::read_fields<user>(r);
    if (!made) return made;
    auto version = r.read(5, made->version);
    if (!version) return fail(std::move(version).error());
    return made;
}

error translated(error failure)
{
    constexpr std::string_view unique_email_constraint = "users_email_key_unique"; // migrations/postgres/0001_users.sql
    return failure.constraint == unique_email_constraint ? email_taken() : std::move(failure);
}

} // namespace

task<result<user>> postgres_user_repository::insert(new_user input)
{
    const timestamp now = wall_now();
    const uuid id = uuid::make_v7(now);
    auto stored = co_await db_.query(insert_user, id, member("/email", input.email), member("/name", input.name), now,
                                     member("/email", input.email_key));
    if (!stored) co_return fail(translated(std::move(stored).error()));
    user made{
        .id = id, .email = std::move(input.email), .name = std::move(input.name), .created_at = now, .updated_at = now};
    co_return made;
}

task<result<user>> postgres_user_repository::find(uuid id)
{
    auto found = co_await db_.query(user_by_id, id);
    if (!found) co_return fail(std::move(found).error());
    if (found->empty()) co_return fail(user_not_found(id));
    co_return to_user((*found)[0]);
}

task<result<std::optional<user>>> postgres_user_repository::find_by_email(pooled_string email_key)
{
    auto found = co_await db_.query(user_by_email, email_key);
    if (!found) co_return fail(std::move(found).error());
    if (found->empty()) co_return std::nullopt;
    co_return to_user((*found)[0]);
}

task<result<pooled_vector<user>>> postgres_user_repository::list(std::optional<uuid> after, std::size_t count)
{
    auto found = co_await db_.query(users_after, after.value_or(uuid()), static_cast<std::int64_t>(count));
    if (!found) co_return fail(std::move(found).error());
    pooled_vector<user> page;
    page.reserve(found->size());
    for (const row each : *found) {
        auto one = to_user(each);
        if (!one) co_return fail(std::move(one).error());
        page.push_back(*std::move(one));
    }
    co_return page;
}

task<result<user>> postgres_user_repository::update(uuid id, user_patch patch, version_condition when)
{
    auto changed = co_await db_.query(update_user, id, member("/email", patch.email), member("/name", patch.name),
                                      member("/email", patch.email_key), wall_now(), when.any, when.versions);
    if (!changed) co_return fail(translated(std::move(changed).error()));
    if (changed->empty()) co_return fail(co_await untouched(id));
    auto made = to_user((*changed)[0]);
    if (!made)
        made = fail(errc::outcome_unknown,
                    "The tables are not those that the server knows; the change may have been made");
    co_return made;
}

task<result<void>> postgres_user_repository::remove(uuid id, version_condition when)
{
    auto deleted = co_await db_.query(delete_user, id, when.any, when.versions);
    if (!deleted) co_return fail(std::move(deleted).error());
    if (deleted->affected() == 0) co_return fail(co_await untouched(id));
    co_return result<void>();
}

// Why did a conditional write touch nothing?
task<error> postgres_user_repository::untouched(uuid id)
{
    auto found = co_await find(id);
    co_return found ? user_changed(id) : std::move(found).error();
}

} // namespace sluice::users

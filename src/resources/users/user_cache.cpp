#include "resources/users/user_cache.hpp"

#include "resources/users/user_rules.hpp"

#include <sluice/shard/shard.hpp>

#include <chrono>
#include <tuple>
#include <utility>

namespace sluice {

void cache_codec<users::user>::write(const users::user& value, pooled_string& out)
{
    cache::put_fields(value, out);
    cache::put(value.version, out);
}

bool cache_codec<users::user>::read(std::string_view bytes, users::user& value)
{
    return cache::take_fields(bytes, value) && cache::take(bytes, value.version) && bytes.empty();
}

} // namespace sluice

namespace sluice::users {

namespace {

// By then the database has ended a statement whose answer was waited for in vain.
constexpr duration outcome_settles = std::chrono::seconds(10);
constexpr std::size_t settling_max = 1024; // more are bounded by the time that values live

task<result<std::optional<user>>> find_if_any(user_repository& users, uuid id)
{
    auto found = co_await users.find(id);
    std::optional<user> one;
    if (found)
        one = *std::move(found);
    else if (found.error().code != errc::not_found)
        co_return fail(std::move(found).error());
    co_return one;
}

task<result<std::optional<uuid>>> find_id(user_repository& users, pooled_string email_key)
{
    auto found = co_await users.find_by_email(std::move(email_key));
    if (!found) co_return fail(std::move(found).error());
    std::optional<uuid> id;
    if (*found) id = (*found)->id;
    co_return id;
}

result<user> user_or_failure(std::optional<user> found, const uuid& id)
{
    if (!found) return fail(user_not_found(id));
    return *std::move(found);
}

} // namespace

user_cache::user_cache(cache::shard_cache& part, user_repository& users)
    : part_(part), users_(users), by_id_(part, "users:id", [&users](uuid id) { return find_if_any(users, id); }),
      by_email_(part, "users:email", [&users](pooled_string key) { return find_id(users, std::move(key)); })
{}

eventual<result<user>> user_cache::find(uuid id)
{
    if (auto here = known(id)) return user_or_failure(*std::move(here), id);
    return load(id);
}

task<result<user>> user_cache::load(uuid id)
{
    auto found = co_await by_id_.load(id);
    if (!found) co_return fail(std::move(found).error());
    co_return user_or_failure(*std::move(found), id);
}

task<result<std::optional<user>>> user_cache::find_by_email(pooled_string email_key)
{
    const auto id = co_await by_email_.find(email_key);
    if (!id) co_return fail(id.error());
    if (!*id) co_return std::optional<user>();
    auto found = co_await by_id_.find(**id);
    if (!found) co_return fail(std::move(found).error());
    if (*found && fold_email((*found)->email) == email_key) co_return std::move(*found);
    // He has another e-mail by now, or is gone: who has this one, if anybody, only the repository knows.
    co_return co_await users_.find_by_email(std::move(email_key));
}

task<result<void>> user_cache::invalidate(uuid id, std::string_view email_key)
{
    cache::invalidations written(part_);
    by_id_.invalidate(id, written);
    if (!email_key.empty()) by_email_.invalidate(pooled_string(email_key), written);
    co_return co_await written.confirmed();
}

task<result<void>> user_cache::invalidate_email(std::string_view email_key)
{
    cache::invalidations written(part_);
    by_email_.invalidate(pooled_string(email_key), written);
    co_return co_await written.confirmed();
}

void user_cache::invalidate_later(std::optional<uuid> id, std::string_view email_key)
{
    if (settling_ >= settling_max) return;
    ++settling_;
    shard::current().background().spawn(once_more(id, pooled_string(email_key)));
}

task<void> user_cache::once_more(std::optional<uuid> id, pooled_string email_key)
{
    context own;
    own.stop = &shard::current().background().stop();
    context* before = context::exchange_current(&own);
    if (co_await sleep_for(outcome_settles)) {
        cache::invalidations written(part_);
        if (id) by_id_.invalidate(*id, written);
        if (!email_key.empty()) by_email_.invalidate(email_key, written);
        std::ignore = co_await written.confirmed();
    }
    --settling_;
    context::exchange_current(before);
}

} // namespace sluice::users

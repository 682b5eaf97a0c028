// Users through the cache: found in it, gone from it after every write, and found by the e-mail that they have now.
#include "../sqlite/run.hpp"
#include "resources/users/memory_user_repository.hpp"
#include "resources/users/user_service.hpp"

#include <gtest/gtest.h>

namespace sluice::users {
namespace {

// Counts what is read, and can do a write without saying that it has.
class counted_repository final : public user_repository
{
public:
    task<result<user>> insert(new_user input) override
    {
        auto done = co_await kept.insert(std::move(input));
        co_return said(std::move(done));
    }
    task<result<user>> find(uuid id) override
    {
        ++reads;
        return kept.find(id);
    }
    task<result<std::optional<user>>> find_by_email(pooled_string email_key) override
    {
        ++reads;
        return kept.find_by_email(std::move(email_key));
    }
    task<result<pooled_vector<user>>> list(std::optional<uuid> after, std::size_t count) override
    {
        return kept.list(after, count);
    }
    task<result<user>> update(uuid id, user_patch patch, version_condition when) override
    {
        auto done = co_await kept.update(id, std::move(patch), std::move(when));
        co_return said(std::move(done));
    }
    task<result<void>> remove(uuid id, version_condition when) override { return kept.remove(id, std::move(when)); }

    int reads = 0;
    bool answer_is_lost = false;
    memory_user_repository kept;

private:
    result<user> said(result<user> done) const
    {
        if (answer_is_lost) return fail(errc::outcome_unknown, "The connection was lost");
        return done;
    }
};

struct UserCache : testing::Test
{
    UserCache()
    {
        EXPECT_TRUE(shards.run([this] { return open(); }));
    }

    task<bool> open()
    {
        shard& here = shard::current();
        auto& part = here.own<cache::shard_cache>(here, all, nullptr);
        service = &here.own<user_service>(repository, &here.own<user_cache>(part, repository));
        co_return true;
    }
    user make(const char* email, const char* name = "Ada")
    {
        return shards.run([this, email, name] { return service->create({.email = email, .name = name}); }).value();
    }
    static task<result<user>> find_by(user_service& in, uuid id) { co_return co_await in.find(id); }
    result<user> find(uuid id)
    {
        return shards.run([this, id] { return find_by(*service, id); });
    }
    std::optional<user> find_by_email(const char* email)
    {
        return shards.run([this, email] { return service->find_by_email(email); }).value();
    }
    result<user> change(uuid id, user_patch patch)
    {
        return shards.run([this, id, patch] { return service->update(id, patch, {}); });
    }

    counted_repository repository;
    cache::shared_parts all{1, {.ttl = std::chrono::hours(1), .negative_ttl = std::chrono::hours(1)}};
    user_service* service = nullptr;
    test::shard_runner shards;
};

TEST_F(UserCache, reads_a_user_once_by_id_and_by_email)
{
    const user ada = make("ada@example.com");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(find(ada.id).value(), ada);
        EXPECT_EQ(find_by_email("Ada@Example.com"), ada);
    }
    EXPECT_EQ(repository.reads, 2);
}

TEST_F(UserCache, gives_a_user_as_a_write_has_left_him)
{
    const user ada = make("ada@example.com");
    EXPECT_EQ(find(ada.id).value(), ada);
    const user changed = change(ada.id, {.email = {}, .name = "Countess"}).value();
    EXPECT_EQ(find(ada.id).value(), changed);
    EXPECT_EQ(find_by_email("ada@example.com"), changed);
    ASSERT_TRUE(shards.run([&] { return service->remove(ada.id, {}); }));
    EXPECT_EQ(find(ada.id).error().code, errc::not_found);
    EXPECT_EQ(find_by_email("ada@example.com"), std::nullopt);
}

TEST_F(UserCache, knows_that_there_is_nobody_until_there_is)
{
    for (int i = 0; i < 3; ++i) EXPECT_EQ(find_by_email("ada@example.com"), std::nullopt);
    EXPECT_EQ(repository.reads, 1);
    const user ada = make("ada@example.com");
    EXPECT_EQ(find_by_email("ada@example.com"), ada);
    const uuid nobody = uuid::make_v7(timestamp{});
    for (int i = 0; i < 3; ++i) EXPECT_EQ(find(nobody).error().detail, "User " + nobody.to_string() + " not found");
}

TEST_F(UserCache, follows_an_email_from_one_user_to_another)
{
    const user ada = make("ada@example.com");
    EXPECT_EQ(find_by_email("ada@example.com"), ada);
    EXPECT_EQ(find_by_email("new@example.com"), std::nullopt);
    const user moved = change(ada.id, {.email = "new@example.com", .name = {}}).value();
    EXPECT_EQ(find_by_email("new@example.com"), moved);
    EXPECT_EQ(find_by_email("ada@example.com"), std::nullopt);
    const user other = make("ADA@example.com");
    EXPECT_EQ(find_by_email("ada@example.com"), other);
}

TEST_F(UserCache, drops_what_a_write_may_have_changed)
{
    const user ada = make("ada@example.com");
    EXPECT_EQ(find(ada.id).value(), ada);
    EXPECT_EQ(find_by_email("new@example.com"), std::nullopt);
    repository.answer_is_lost = true;
    EXPECT_EQ(change(ada.id, {.email = "new@example.com", .name = "Countess"}).error().code, errc::outcome_unknown);
    EXPECT_EQ(find(ada.id).value().name, "Countess");
    EXPECT_EQ(find_by_email("new@example.com")->name, "Countess");
    EXPECT_EQ(find_by_email("third@example.com"), std::nullopt);
    EXPECT_FALSE(shards.run([&] { return service->create({.email = "third@example.com", .name = "C"}); }));
    EXPECT_TRUE(find_by_email("third@example.com"));
}

TEST_F(UserCache, keeps_what_a_refused_write_has_not_changed)
{
    const user ada = make("ada@example.com");
    make("eve@example.com");
    EXPECT_EQ(find(ada.id).value(), ada);
    const int reads = repository.reads;
    EXPECT_EQ(change(ada.id, {.email = "eve@example.com", .name = {}}).error().code, errc::conflict);
    EXPECT_EQ(find(ada.id).value(), ada);
    EXPECT_EQ(repository.reads, reads);
}

} // namespace
} // namespace sluice::users

// What every repository of users promises, asked of each of them.
#include "user_places.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace sluice::users {
namespace {

template <class Where> class UserRepository : public testing::Test
{
protected:
    result<user> insert(const std::string& email, const std::string& name = "Ada")
    {
        new_user input{.email = pooled_string(email), .name = pooled_string(name), .email_key = pooled_string(email)};
        return where.run([this, input] { return users().insert(input); });
    }
    result<user> find(uuid id)
    {
        return where.run([this, id] { return users().find(id); });
    }
    std::optional<user> find_by_email(const char* key)
    {
        return where.run([this, key] { return users().find_by_email(key); }).value();
    }
    std::vector<std::string> emails(std::optional<uuid> after, std::size_t count)
    {
        auto page = where.run([this, after, count] { return users().list(after, count); });
        std::vector<std::string> found;
        for (const user& each : page.value()) found.emplace_back(each.email);
        return found;
    }
    result<user> update(uuid id, user_patch patch, version_condition when = {})
    {
        return where.run([this, id, patch, when] { return users().update(id, patch, when); });
    }
    result<void> remove(uuid id, version_condition when = {})
    {
        return where.run([this, id, when] { return users().remove(id, when); });
    }
    static user_patch new_email(const char* email)
    {
        return {.email = pooled_string(email), .name = {}, .email_key = pooled_string(email)};
    }
    static user_patch new_name(const char* name) { return {.email = {}, .name = pooled_string(name)}; }
    static version_condition only(std::initializer_list<std::int64_t> versions)
    {
        return {.any = false, .versions = versions};
    }
    user_repository& users() { return where.users(); }
    Where where;
};

using everywhere = testing::Types<in_memory, in_sqlite, in_postgres>;
TYPED_TEST_SUITE(UserRepository, everywhere);

TYPED_TEST(UserRepository, finds_what_it_was_given)
{
    const auto made = this->insert("ada@example.com", "Ada Lovelace, born Byron");
    ASSERT_TRUE(made);
    EXPECT_EQ(made->email, "ada@example.com");
    EXPECT_EQ(made->name, "Ada Lovelace, born Byron");
    EXPECT_EQ(made->created_at, made->updated_at);
    EXPECT_EQ(made->version, 1);
    EXPECT_EQ(made->id.bytes[6] >> 4, 7);
    EXPECT_EQ(this->find(made->id).value(), *made);
    EXPECT_EQ(this->find_by_email("ada@example.com"), *made);
}

TYPED_TEST(UserRepository, says_not_found_and_names_the_id)
{
    const uuid id = *uuid::parse("01890000-0000-7000-8000-000000000001");
    const auto found = this->find(id);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, errc::not_found);
    EXPECT_EQ(found.error().detail, "User 01890000-0000-7000-8000-000000000001 not found");
    EXPECT_EQ(this->find_by_email("nobody@example.com"), std::nullopt);
}

TYPED_TEST(UserRepository, refuses_an_email_key_that_is_taken)
{
    ASSERT_TRUE(this->insert("ada@example.com"));
    const auto second = this->insert("ada@example.com");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::conflict);
    EXPECT_EQ(second.error().detail, "Email already registered");
    EXPECT_EQ(this->emails(std::nullopt, 10).size(), 1U);
}

TYPED_TEST(UserRepository, gives_pages_in_the_order_of_insertion)
{
    std::vector<std::string> expected;
    std::vector<uuid> ids;
    for (char c = 'a'; c < 'h'; ++c) {
        expected.push_back(std::string(1, c) + "@example.com");
        ids.push_back(this->insert(expected.back())->id);
    }
    EXPECT_TRUE(std::ranges::is_sorted(ids));
    EXPECT_EQ(this->emails(std::nullopt, 100), expected);
    EXPECT_EQ(this->emails(std::nullopt, 2), (std::vector{expected[0], expected[1]}));
    EXPECT_EQ(this->emails(ids[1], 2), (std::vector{expected[2], expected[3]}));
    EXPECT_EQ(this->emails(ids.back(), 2), std::vector<std::string>());
}

TYPED_TEST(UserRepository, goes_on_after_an_id_that_is_gone)
{
    const uuid first = this->insert("a@example.com")->id;
    const uuid second = this->insert("b@example.com")->id;
    ASSERT_TRUE(this->insert("c@example.com"));
    ASSERT_TRUE(this->remove(second));
    EXPECT_EQ(this->emails(second, 10), std::vector<std::string>{"c@example.com"});
    EXPECT_EQ(this->emails(first, 10), std::vector<std::string>{"c@example.com"});
}

TYPED_TEST(UserRepository, changes_what_a_patch_names_and_nothing_else)
{
    const user made = this->insert("ada@example.com").value();
    const auto renamed = this->update(made.id, this->new_name("Countess"));
    ASSERT_TRUE(renamed);
    EXPECT_EQ(renamed->name, "Countess");
    EXPECT_EQ(renamed->email, made.email);
    EXPECT_EQ(renamed->created_at, made.created_at);
    EXPECT_GE(renamed->updated_at, made.updated_at);
    EXPECT_EQ(renamed->version, 2);
    EXPECT_EQ(this->find(made.id).value(), *renamed);

    const auto moved = this->update(made.id, this->new_email("countess@example.com"));
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->version, 3);
    EXPECT_EQ(this->find_by_email("ada@example.com"), std::nullopt);
    EXPECT_EQ(this->find_by_email("countess@example.com"), *moved);
}

TYPED_TEST(UserRepository, keeps_version_and_time_where_a_patch_changes_nothing)
{
    const user made = this->insert("ada@example.com").value();
    EXPECT_EQ(this->update(made.id, {}).value(), made);
    user_patch same = this->new_email("ada@example.com");
    same.name = made.name;
    EXPECT_EQ(this->update(made.id, same).value(), made);
    EXPECT_EQ(this->find(made.id).value(), made);
}

TYPED_TEST(UserRepository, lets_a_user_change_the_case_of_its_own_email)
{
    const user made = this->insert("ada@example.com").value();
    user_patch shouted{.email = "ADA@example.com", .name = {}, .email_key = "ada@example.com"};
    const auto changed = this->update(made.id, shouted);
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->email, "ADA@example.com");
    EXPECT_EQ(changed->version, 2);
}

TYPED_TEST(UserRepository, refuses_to_move_to_an_email_that_is_taken_and_changes_nothing)
{
    const user ada = this->insert("ada@example.com").value();
    ASSERT_TRUE(this->insert("bob@example.com"));
    user_patch patch = this->new_email("bob@example.com");
    patch.name = "Bob";
    const auto refused = this->update(ada.id, patch);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::conflict);
    EXPECT_EQ(this->find(ada.id).value(), ada);
}

TYPED_TEST(UserRepository, gives_an_email_away_once_it_is_free)
{
    const user ada = this->insert("ada@example.com").value();
    ASSERT_TRUE(this->update(ada.id, this->new_email("countess@example.com")));
    const auto next = this->insert("ada@example.com");
    ASSERT_TRUE(next);
    ASSERT_TRUE(this->remove(next->id));
    EXPECT_TRUE(this->insert("ada@example.com"));
}

TYPED_TEST(UserRepository, writes_only_to_the_versions_that_the_condition_names)
{
    const user made = this->insert("ada@example.com").value();
    const auto refused = this->update(made.id, this->new_name("Eve"), this->only({2, 3}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::precondition_failed);
    EXPECT_EQ(this->find(made.id).value(), made);
    EXPECT_TRUE(this->update(made.id, this->new_name("Countess"), this->only({7, 1})));

    for (const auto& stale : {this->only({1}), this->only({})}) {
        const auto kept = this->remove(made.id, stale);
        ASSERT_FALSE(kept);
        EXPECT_EQ(kept.error().code, errc::precondition_failed);
    }
    EXPECT_TRUE(this->remove(made.id, this->only({2})));
}

TYPED_TEST(UserRepository, says_not_found_before_it_says_that_a_condition_failed)
{
    const uuid nobody = uuid::make_v7({});
    EXPECT_EQ(this->update(nobody, this->new_name("Eve"), this->only({1})).error().code, errc::not_found);
    EXPECT_EQ(this->remove(nobody, this->only({1})).error().code, errc::not_found);
}

TYPED_TEST(UserRepository, forgets_whom_it_removes)
{
    const user made = this->insert("ada@example.com").value();
    ASSERT_TRUE(this->remove(made.id));
    EXPECT_EQ(this->find(made.id).error().code, errc::not_found);
    EXPECT_EQ(this->find_by_email("ada@example.com"), std::nullopt);
    EXPECT_EQ(this->remove(made.id).error().code, errc::not_found);
}

TYPED_TEST(UserRepository, keeps_every_byte_of_a_text)
{
    const std::string name = "Zoë \xF0\x9F\x8E\x89 'quoted' \"twice\"; DROP TABLE users; --";
    const user made = this->insert("o'hara+%_@example.com", name).value();
    EXPECT_EQ(this->find(made.id).value().name, pooled_string(name));
    EXPECT_EQ(this->find_by_email("o'hara+%_@example.com"), made);
    EXPECT_EQ(this->find_by_email("o'hara+%%@example.com"), std::nullopt);
}

// --- What only a database that several shards share can be asked.

template <class Where> class SharedUserRepository : public testing::Test
{
protected:
    Where where{3};
};

using wherever_it_is_shared = testing::Types<in_sqlite, in_postgres>;
TYPED_TEST_SUITE(SharedUserRepository, wherever_it_is_shared);

TYPED_TEST(SharedUserRepository, lets_exactly_one_of_many_shards_have_an_email)
{
    auto& where = this->where;
    for (int round = 0; round < 20; ++round) {
        const pooled_string email = pooled_string("user") + std::to_string(round).c_str() + "@example.com";
        std::vector<std::future<result<user>>> asked;
        for (unsigned i = 0; i < 9; ++i)
            asked.push_back(where.start(i % 3, [&where, email, i] {
                return where.users(i % 3).insert({.email = email, .name = "Ada", .email_key = email});
            }));
        int made = 0, conflicts = 0;
        for (auto& each : asked) {
            const auto outcome = each.get();
            if (outcome)
                ++made;
            else if (outcome.error().code == errc::conflict)
                ++conflicts;
        }
        EXPECT_EQ(made, 1);
        EXPECT_EQ(conflicts, 8);
    }
}

TYPED_TEST(SharedUserRepository, lets_exactly_one_of_many_shards_change_a_version)
{
    auto& where = this->where;
    const user made =
        where.run([&] { return where.users().insert({.email = "a@b.c", .name = "0", .email_key = "a@b.c"}); }).value();
    std::vector<std::future<result<user>>> asked;
    for (unsigned i = 0; i < 9; ++i)
        asked.push_back(where.start(i % 3, [&where, &made, i] {
            user_patch patch{.email = {}, .name = pooled_string("Name ") + std::to_string(i).c_str()};
            return where.users(i % 3).update(made.id, patch, {.any = false, .versions = {made.version}});
        }));
    int changed = 0, refused = 0;
    for (auto& each : asked) {
        const auto outcome = each.get();
        if (outcome)
            ++changed;
        else if (outcome.error().code == errc::precondition_failed)
            ++refused;
    }
    EXPECT_EQ(changed, 1);
    EXPECT_EQ(refused, 8);
}

TYPED_TEST(SharedUserRepository, shows_an_acknowledged_write_to_every_shard)
{
    auto& where = this->where;
    user known =
        where.run([&] { return where.users().insert({.email = "a@b.c", .name = "0", .email_key = "a@b.c"}); }).value();
    for (int round = 1; round <= 50; ++round) {
        user_patch patch{.email = {}, .name = pooled_string(std::to_string(round))};
        known = where.start(0, [&] { return where.users(0).update(known.id, patch, {}); }).get().value();
        for (unsigned shard : {0U, 1U, 2U, 0U, 1U})
            EXPECT_EQ(where.start(shard, [&] { return where.users(shard).find(known.id); }).get().value(), known);
    }
}

TYPED_TEST(SharedUserRepository, keeps_its_users_when_it_is_opened_again)
{
    auto& where = this->where;
    const user made =
        where.run([&] { return where.users().insert({.email = "a@b.c", .name = "A", .email_key = "a@b.c"}); }).value();
    where.open_again();
    EXPECT_EQ(where.run([&] { return where.users().find(made.id); }).value(), made);
}

// What the service's rules let through today, a change of the rules may not.
TEST(PostgresUserRepository, names_the_member_that_postgres_would_refuse)
{
    in_postgres where;
    const pooled_string nul("a\0b", 3);
    const auto pointer = [&](new_user input) {
        const auto refused = where.run([&] { return where.users().insert(input); });
        return refused || refused.error().code != errc::invalid ? "(not refused)"
                                                                : refused.error().violations[0].pointer;
    };
    EXPECT_EQ(pointer({.email = "a@b.c", .name = nul, .email_key = "a@b.c"}), "/name");
    EXPECT_EQ(pointer({.email = nul, .name = "A", .email_key = "a@b.c"}), "/email");
    EXPECT_EQ(pointer({.email = "a@b.c", .name = "A", .email_key = nul}), "/email");
    EXPECT_EQ(pointer({.email = "a@b.c", .name = "A\xff", .email_key = "a@b.c"}), "/name");
    const user made =
        where.run([&] { return where.users().insert({.email = "a@b.c", .name = "A", .email_key = "a@b.c"}); }).value();
    const auto unchanged = where.run([&] { return where.users().update(made.id, {.email = {}, .name = nul}, {}); });
    ASSERT_FALSE(unchanged);
    EXPECT_EQ(unchanged.error().violations,
              std::vector<violation>(1, {"/name", unchanged.error().violations[0].detail}));
}

} // namespace
} // namespace sluice::users

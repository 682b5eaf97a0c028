#include "../sqlite/run.hpp"
#include "resources/users/memory_user_repository.hpp"
#include "resources/users/user_cursor.hpp"
#include "resources/users/user_service.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::users {
namespace {

using test::run;

class UserService : public testing::Test
{
protected:
    result<user> create(const char* email, const char* name = "Ada")
    {
        return run(service.create({.email = email, .name = name}));
    }
    result<user> find(uuid id)
    {
        return run([](user_service& in, uuid wanted) -> task<result<user>> {
            co_return co_await in.find(wanted);
        }(service, id));
    }
    memory_user_repository repository;
    user_service service{repository};
};

TEST_F(UserService, makes_a_user_that_can_be_found)
{
    const auto made = create("Ada@Example.com");
    ASSERT_TRUE(made);
    EXPECT_EQ(made->email, "Ada@Example.com"); // as it was written
    EXPECT_EQ(find(made->id).value(), *made);
}

TEST_F(UserService, names_every_broken_rule_with_its_member)
{
    const auto refused = create("nobody", "");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::invalid);
    EXPECT_EQ(refused.error().violations,
              (std::vector<violation>{{.pointer = "/email", .detail = "must be an e-mail address"},
                                      {.pointer = "/name", .detail = "must not be empty"}}));
    EXPECT_TRUE(run(service.list(std::nullopt, 1)).value().items.empty());
}

TEST_F(UserService, takes_emails_that_differ_only_in_ascii_case_for_one)
{
    const user ada = create("ada@example.com").value();
    EXPECT_EQ(create("ADA@EXAMPLE.COM").error().code, errc::conflict);
    EXPECT_EQ(run(service.find_by_email("aDa@example.com")).value(), ada);
    const user bob = create("bob@example.com").value();
    EXPECT_EQ(run(service.update(bob.id, {.email = "Ada@example.com", .name = {}}, {})).error().code, errc::conflict);
}

TEST_F(UserService, finds_nobody_by_what_is_no_email)
{
    EXPECT_EQ(run(service.find_by_email("nobody")).value(), std::nullopt);
    EXPECT_EQ(run(service.find_by_email("")).value(), std::nullopt);
}

TEST_F(UserService, checks_a_patch_by_the_same_rules)
{
    const user made = create("ada@example.com").value();
    const auto refused = run(service.update(made.id, {.email = "x", .name = "\n"}, {}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().violations.size(), 2U);
    EXPECT_EQ(find(made.id).value(), made);
}

TEST_F(UserService, gives_the_next_page_as_long_as_there_is_one)
{
    for (const char* email : {"a@x.y", "b@x.y", "c@x.y", "d@x.y"}) ASSERT_TRUE(create(email));
    const user_page first = run(service.list(std::nullopt, 3)).value();
    EXPECT_EQ(first.items.size(), 3U);
    ASSERT_TRUE(first.next);
    const user_page last = run(service.list(first.next, 3)).value();
    ASSERT_EQ(last.items.size(), 1U);
    EXPECT_EQ(last.items[0].email, "d@x.y");
    EXPECT_FALSE(last.next);
    EXPECT_FALSE(run(service.list(std::nullopt, 4)).value().next); // exactly full
}

TEST(UserCursor, reads_back_what_it_wrote_and_nothing_else)
{
    const uuid id = *uuid::parse("01890000-ff00-7abc-8000-0123456789ab");
    const pooled_string text = write_cursor(id);
    EXPECT_EQ(text.size(), 22U);
    EXPECT_EQ(read_cursor(text), id);
    pooled_string another_spelling = text;
    another_spelling.back() = static_cast<char>(another_spelling.back() + 1);
    for (const pooled_string& bad :
         {pooled_string(), text + "A", text.substr(1), "=" + text.substr(1), another_spelling})
        EXPECT_EQ(read_cursor(bad), std::nullopt) << bad;
}

} // namespace
} // namespace sluice::users

// What a connection says first, whom the answers let in, and what a subscribed one makes of what it hears: no socket.
#include "redis/greeting.hpp"
#include "redis/subscription.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::redis {
namespace {

reply ok() { return {.is = reply::kind::status, .text = "OK"}; }
reply refusal(const char* words) { return {.is = reply::kind::failure, .text = words}; }
reply text(const char* words) { return {.is = reply::kind::text, .text = words}; }

TEST(Greeting, says_no_more_than_it_must)
{
    const greeting plain({.host = "cache"}, "me");
    EXPECT_EQ(plain.bytes(), "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$2\r\nme\r\n*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n");
    const greeting whole({.host = "cache", .user = "app", .password = "secret", .database = 3}, "me");
    EXPECT_TRUE(whole.bytes().starts_with(
        "*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$6\r\nsecret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"));
    const greeting alone({.host = "cache", .password = "secret"}, "me");
    EXPECT_TRUE(alone.bytes().starts_with("*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*3\r\n"));
}

TEST(Greeting, reads_which_run_of_the_server_answers_and_forgets_it_with_the_connection)
{
    greeting g({.host = "cache"}, "me");
    g.begin();
    EXPECT_TRUE(g.on_reply(ok()));
    EXPECT_FALSE(g.answered());
    EXPECT_TRUE(g.on_reply(text("# Server\r\nredis_version:7.0.15\r\nx_run_id:no\r\nrun_id:abc\r\ntcp_port:1\r\n")));
    EXPECT_TRUE(g.answered());
    EXPECT_EQ(g.run_id(), "abc");
    g.begin();
    EXPECT_FALSE(g.answered());
    EXPECT_EQ(g.run_id(), "");
}

TEST(Greeting, goes_on_where_its_name_or_INFO_is_refused_and_says_why_it_knows_no_run)
{
    greeting g({.host = "cache"}, "me");
    g.begin();
    EXPECT_TRUE(g.on_reply(refusal("ERR unknown command 'CLIENT'")));
    EXPECT_TRUE(g.on_reply(refusal("NOPERM this user has no permissions to run the 'info' command")));
    EXPECT_TRUE(g.answered());
    EXPECT_EQ(g.run_id(), "");
    EXPECT_NE(g.why_no_run_id().find("NOPERM"), std::string::npos);
    g.begin();
    EXPECT_TRUE(g.on_reply(ok()));
    EXPECT_TRUE(g.on_reply(text("# Server\r\nrun_id:")));
    EXPECT_NE(g.why_no_run_id(), "");
}

TEST(Greeting, is_refused_by_a_wrong_password_a_missing_one_and_a_database_that_is_not_there)
{
    greeting wrong({.host = "cache", .password = "guessed", .database = 99}, "me");
    wrong.begin();
    EXPECT_NE(wrong.on_reply(refusal("WRONGPASS invalid username-password pair")).error().detail.find("WRONGPASS"),
              std::string::npos);
    wrong.begin();
    EXPECT_TRUE(wrong.on_reply(ok()));
    EXPECT_FALSE(wrong.on_reply(refusal("ERR DB index is out of range")));
    greeting missing({.host = "cache"}, "me");
    missing.begin();
    EXPECT_FALSE(missing.on_reply(refusal("NOAUTH Authentication required.")));
}

TEST(Greeting, keeps_what_a_server_says_that_then_ends_the_connection)
{
    greeting g({.host = "cache"}, "me");
    g.begin();
    EXPECT_TRUE(g.on_reply(refusal("ERR max number of clients reached")));
    EXPECT_EQ(g.refusal(), "ERR max number of clients reached");
    g.begin();
    EXPECT_EQ(g.refusal(), "");
    const std::string long_one = "DENIED Redis is running in protected mode" + std::string(2000, '.');
    EXPECT_TRUE(g.on_reply(refusal(long_one.c_str())));
    EXPECT_EQ(g.refusal(), long_one.substr(0, 200));
}

TEST(Greeting, never_tells_the_password_that_a_server_quotes)
{
    greeting g({.host = "cache", .password = "secret"}, "me");
    g.begin();
    const auto said = g.on_reply(refusal("ERR unknown command 'AUTH', with args beginning with: 'secret' "));
    EXPECT_EQ(said.error().detail, "it refuses us: ERR unknown command 'AUTH'");
}

reply list(const std::vector<const char*>& words)
{
    reply made{.is = reply::kind::array};
    for (const char* word : words) made.elements.push_back(text(word));
    return made;
}

TEST(Subscription, is_one_once_every_channel_is_confirmed_and_anew_on_each_connection)
{
    using enum subscription::meaning;
    const std::vector<std::string> channels = {"a", "b"};
    subscription s(channels);
    EXPECT_EQ(s.request(), "*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n");
    EXPECT_FALSE(s.subscribed());
    EXPECT_EQ(s.on_reply(list({"subscribe", "a", "1"})), progress);
    const reply early = list({"message", "a", "payload"});
    EXPECT_EQ(s.on_reply(early), message);
    EXPECT_EQ(subscription::channel_of(early), "a");
    EXPECT_EQ(subscription::payload_of(early), "payload");
    EXPECT_EQ(s.on_reply(list({"subscribe", "b", "2"})), subscribed);
    EXPECT_TRUE(s.subscribed());
    EXPECT_EQ(s.on_reply(list({"pong", ""})), progress);
    s.begin();
    EXPECT_FALSE(s.subscribed());
}

TEST(Subscription, takes_nothing_else)
{
    using enum subscription::meaning;
    const std::vector<std::string> channels = {"a"};
    subscription s(channels);
    EXPECT_EQ(s.on_reply(refusal("NOPERM no permissions to access one of the channels")), unexpected);
    EXPECT_EQ(s.on_reply(ok()), unexpected);
    EXPECT_EQ(s.on_reply(list({})), unexpected);
    EXPECT_EQ(s.on_reply(list({"message", "a"})), unexpected);
    EXPECT_EQ(s.on_reply(list({"unsubscribe", "a", "0"})), unexpected);
    EXPECT_EQ(s.on_reply(list({"subscribe", "a", "1"})), subscribed);
    EXPECT_EQ(s.on_reply(list({"subscribe", "a", "1"})), unexpected);
}

} // namespace
} // namespace sluice::redis

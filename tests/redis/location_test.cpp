// What a Redis URL says, and what is wrong with one that says nothing.
#include <sluice/redis/location.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::redis {
namespace {

TEST(Location, reads_host_port_and_database_with_their_defaults)
{
    const location whole = parse_url("redis://cache.example:7000/3").value();
    EXPECT_EQ(whole.host, "cache.example");
    EXPECT_EQ(whole.port, 7000);
    EXPECT_EQ(whole.database, 3u);
    for (const char* url : {"redis://cache", "redis://cache/", "redis://cache:6379/0"}) {
        const location read = parse_url(url).value();
        EXPECT_EQ(place_of(read), "cache:6379/0") << url;
        EXPECT_TRUE(read.user.empty() && read.password.empty());
    }
    EXPECT_EQ(parse_url("redis://[::1]:1/2").value().host, "::1");
    EXPECT_EQ(place_of(parse_url("redis://[::1]").value()), "[::1]:6379/0");
}

TEST(Location, reads_user_and_password_escaped_or_not)
{
    const location both = parse_url("redis://app:c%40se%2f:x@cache").value();
    EXPECT_EQ(both.user, "app");
    EXPECT_EQ(both.password, "c@se/:x");
    const location alone = parse_url("redis://:secret@cache").value();
    EXPECT_EQ(alone.user, "");
    EXPECT_EQ(alone.password, "secret");
    EXPECT_EQ(place_of(both), "cache:6379/0");
}

TEST(Location, reads_the_path_of_a_unix_socket)
{
    EXPECT_EQ(parse_url("unix:/run/redis/redis.sock").value().path, "/run/redis/redis.sock");
    EXPECT_EQ(parse_url("unix:///run/redis.sock").value().path, "/run/redis.sock");
    EXPECT_EQ(place_of(parse_url("unix:/run/redis.sock").value()), "/run/redis.sock");
}

TEST(Location, reads_credentials_and_database_beside_a_socket_too)
{
    const location whole = parse_url("unix:app:c%40se%2f@/run/a@b/redis.sock?db=3").value();
    EXPECT_EQ(whole.path, "/run/a@b/redis.sock");
    EXPECT_EQ(whole.user, "app");
    EXPECT_EQ(whole.password, "c@se/");
    EXPECT_EQ(whole.database, 3u);
    EXPECT_EQ(place_of(whole), "/run/a@b/redis.sock?db=3");
    EXPECT_EQ(parse_url("unix://:secret@/run/redis.sock").value().password, "secret");
    EXPECT_EQ(parse_url("unix:/run/a@b.sock").value().path, "/run/a@b.sock");
}

TEST(Location, hides_a_password_and_nothing_else)
{
    EXPECT_EQ(without_password("redis://app:se:cret@cache:6379/2"), "redis://app:********@cache:6379/2");
    EXPECT_EQ(without_password("redis://:secret@cache"), "redis://:********@cache");
    EXPECT_EQ(without_password("unix:app:secret@/run/a@b.sock?db=1"), "unix:app:********@/run/a@b.sock?db=1");
    EXPECT_EQ(without_password("unix://:secret@/run/redis.sock"), "unix://:********@/run/redis.sock");
    EXPECT_EQ(without_password("redis://cache:6379"), "redis://cache:6379");
    EXPECT_EQ(without_password("redis://app:sec@ret@cache"), "********");
}

TEST(Location, says_what_is_wrong_and_quotes_nothing)
{
    const std::array<std::array<std::string, 2>, 24> wrong = {{
        {"", "begins neither"},
        {"cache:6379", "begins neither"},
        {"http://cache", "begins neither"},
        {"rediss://cache", "TLS"},
        {"redis://", "no host"},
        {"redis://:6379", "no host"},
        {"redis://cache:", "port"},
        {"redis://cache:0", "port"},
        {"redis://cache:65536", "port"},
        {"redis://cache:x", "port"},
        {"redis://::1", "[]"},
        {"redis://[::1", "not closed"},
        {"redis://[::1]x", "follows the ]"},
        {"redis://cache/x", "database"},
        {"redis://secret@cache", "without a password"},
        {"redis://user:@cache", "password is empty"},
        {"redis://user:secr@et@cache", "%40"},
        {"redis://user:secret%4@cache", "hexadecimal"},
        {"unix:run/redis.sock", "does not begin with /"},
        {"unix:secret@/run/redis.sock", "without a password"},
        {"unix:app:@/run/redis.sock", "password is empty"},
        {"unix:/run/redis.sock?db=x", "database"},
        {"unix:/run/redis.sock?x=secret", "db=NUMBER"},
        {"unix:app:sec/ret@/run/redis.sock", "does not begin with /"},
    }};
    for (const auto& [url, part] : wrong) {
        const auto read = parse_url(url);
        ASSERT_FALSE(read) << url;
        EXPECT_NE(read.error().detail.find(part), std::string::npos) << url << ": " << read.error().detail;
        EXPECT_EQ(read.error().detail.find("secr"), std::string::npos) << url;
    }
    EXPECT_FALSE(parse_url("redis://cache/1?x=y"));
    EXPECT_FALSE(parse_url(std::string("redis://ca\0che", 14)));
    EXPECT_FALSE(parse_url("unix:/" + std::string(200, 'x')));
}

} // namespace
} // namespace sluice::redis

// URLs of databases: what is wrong with one, what of it may be printed, where it leads.
#include <sluice/postgres/connection_info.hpp>

#include <gtest/gtest.h>

namespace sluice::postgres {
namespace {

TEST(DatabaseUrl, is_good_in_every_form_that_libpq_has)
{
    for (const char* good :
         {"postgres://", "postgresql://app@db/app", "postgres://app:s%40fe@db:5433/app?sslmode=require",
          "postgres://app:secret@a:1,b:2/app?target_session_attrs=read-write", "postgres://[::1]:5432/app",
          "postgres:///app?host=/run/postgresql", "postgres://a,b:7/app"})
        EXPECT_EQ(fault_of_url(good), std::nullopt) << good;
}

TEST(DatabaseUrl, is_refused_with_the_reason_and_without_any_part_of_it)
{
    for (const char* bad :
         {"secret", "mysql://app:secret@db/app", "host=db password=secret", "postgres:/app:secret@db",
          "postgres://app:secret%zz@db/app", "postgres://app:secret@[::1/app", "postgres://app:sec/ret@db/app",
          "postgres://app:sec@ret@db/app", "postgres://app@db/app?secret", "postgres://app@db/app?secret=1",
          "postgres://app:secret%00@db/app", "postgres://app:secret@db:70000/app", "postgres://app:secret@db:x/app",
          "postgres://app:secret@a:1,b:2,c:/app?port=1,2", "postgres://app:secret@db/app?sslmode=secret",
          "postgres://app:secret@a,b/app?target_session_attrs=secret"}) {
        const auto fault = fault_of_url(bad);
        ASSERT_TRUE(fault) << bad;
        EXPECT_FALSE(fault->empty()) << bad;
        EXPECT_EQ(fault->find("ret"), std::string::npos) << *fault;
        EXPECT_EQ(fault->find('\n'), std::string::npos) << *fault;
    }
    EXPECT_TRUE(fault_of_url(std::string("postgres://db/a\0b", 17)));
}

TEST(DatabaseUrl, is_printed_without_its_passwords)
{
    EXPECT_EQ(without_passwords("postgres://app:secret@db:5433/app"), "postgres://app:********@db:5433/app");
    EXPECT_EQ(without_passwords("postgres://app:se?cr:et@db"), "postgres://app:********@db");
    EXPECT_EQ(without_passwords("postgres://db/app?user=app&password=secret&sslpassword=secret&sslmode=require"),
              "postgres://db/app?user=app&password=********&sslpassword=********&sslmode=require");
    EXPECT_EQ(without_passwords("postgres://app:secret@db/app?password=secret"),
              "postgres://app:********@db/app?password=********");
    for (const char* open : {"postgres://app@db/app", "postgres://", "postgres://db:5432/a@b:c"})
        EXPECT_EQ(without_passwords(open), open);
    for (const char* unclear : {"postgres://db/app?pass%77ord=secret", "secret", "password=secret"})
        EXPECT_EQ(without_passwords(unclear), "********") << unclear;
}

TEST(DatabaseUrl, leads_to_a_place)
{
    EXPECT_EQ(place_of("postgres://app:secret@db/shop"), "db:5432/shop");
    EXPECT_EQ(place_of("postgres://app:secret@a:1,b/shop"), "a:1,b:5432/shop");
    EXPECT_EQ(place_of("postgres://app@db"), "db:5432/app");
    EXPECT_EQ(place_of("postgres:///shop?host=/run/postgresql"), "/run/postgresql:5432/shop");
    EXPECT_EQ(place_of("postgres:///shop?hostaddr=127.0.0.1,::1&port=1,2"), "127.0.0.1:1,::1:2/shop");
}

TEST(ConnectionString, holds_every_part_whatever_is_in_it)
{
    const std::string text =
        connection_string({.host = "db", .port = 5433, .name = "my shop", .user = "o'hara", .password = "a'b\\ c"});
    EXPECT_EQ(text, R"(host='db' port='5433' dbname='my shop' user='o\'hara' password='a\'b\\ c')");
    EXPECT_EQ(place_of(text), "db:5433/my shop");
    EXPECT_EQ(connection_string({.host = "db"}), "host='db' port='5432'");
}

} // namespace
} // namespace sluice::postgres

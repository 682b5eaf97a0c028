// Migrations against a real server: server.py starts it and this program beside it.
#include <sluice/postgres/migration.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <libpq-fe.h>
#include <memory>
#include <string>
#include <vector>

namespace sluice::postgres {
namespace {

constexpr migration first{.name = "first table", .sql = "CREATE TABLE a (x int);"};
constexpr migration second{.name = "second table", .sql = "CREATE TABLE b (x int); INSERT INTO b VALUES (2);"};
constexpr migration broken{.name = "broken", .sql = "CREATE TABLE c (x int); INSERT INTO nowhere VALUES (1);"};

class Migration : public testing::Test
{
protected:
    Migration() { ask("SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public"); }

    // The first column of the first row as text, asked by the role that the database belongs to.
    std::string ask(const std::string& sql) { return ask_at(with.url, sql); }
    static std::string ask_at(const std::string& url, const std::string& sql)
    {
        const std::unique_ptr<PGconn, decltype(&PQfinish)> open(PQconnectdb(url.c_str()), &PQfinish);
        const std::unique_ptr<PGresult, decltype(&PQclear)> given(PQexec(open.get(), sql.c_str()), &PQclear);
        const auto status = PQresultStatus(given.get());
        EXPECT_TRUE(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) << PQresultErrorMessage(given.get());
        return PQntuples(given.get()) == 0 ? "" : PQgetvalue(given.get(), 0, 0);
    }
    std::string tables()
    {
        return ask("SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class "
                   "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace");
    }

    session_options with{.url = std::getenv("SLUICE_TEST_DATABASE_URL")};
};

TEST_F(Migration, runs_every_step_on_a_database_that_has_none)
{
    const auto found = migrate(with, std::vector{first, second});
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_FALSE(found->exists);
    EXPECT_EQ(found->version, 0);
    EXPECT_EQ(found->newest, 2);
    EXPECT_EQ(tables(), "a b sluice_schema");
    EXPECT_EQ(ask("SELECT string_agg(version || ' ' || name, ', ' ORDER BY version) FROM sluice_schema"),
              "1 first table, 2 second table");
}

TEST_F(Migration, runs_only_the_steps_that_are_missing)
{
    ASSERT_TRUE(migrate(with, std::vector{first}));
    const auto found = migrate(with, std::vector{first, second});
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_TRUE(found->exists);
    EXPECT_EQ(found->version, 1);
    EXPECT_EQ(migrate(with, std::vector{first, second})->version, 2);
    EXPECT_EQ(ask("SELECT count(*) FROM b"), "1");
}

TEST_F(Migration, leaves_nothing_of_a_step_that_fails_and_keeps_those_before_it)
{
    const auto failed = migrate(with, std::vector{first, broken});
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().detail.starts_with("Schema step 2 (broken) failed in 127.0.0.1:"))
        << failed.error().detail;
    EXPECT_TRUE(failed.error().detail.ends_with(R"(: relation "nowhere" does not exist)")) << failed.error().detail;
    EXPECT_EQ(tables(), "a sluice_schema");
    EXPECT_EQ(inspect(with, std::vector{first, broken})->version, 1);
}

TEST_F(Migration, refuses_a_database_that_is_newer_than_the_program)
{
    ASSERT_TRUE(migrate(with, std::vector{first, second}));
    for (const auto& refused : {migrate(with, std::vector{first}), inspect(with, std::vector{first})}) {
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().detail.find("has schema version 2, and this program knows only 1"), std::string::npos)
            << refused.error().detail;
    }
}

TEST_F(Migration, is_run_once_by_many_that_start_at_once)
{
    const std::vector steps{first, second};
    std::vector<std::future<result<schema_state>>> all;
    for (int i = 0; i < 12; ++i) all.push_back(std::async(std::launch::async, [&] { return migrate(with, steps); }));
    for (auto& each : all) {
        const auto found = each.get();
        EXPECT_TRUE(found) << found.error().detail;
    }
    EXPECT_EQ(ask("SELECT count(*) FROM b"), "1");
    EXPECT_EQ(ask("SELECT count(*) FROM sluice_schema"), "2");
}

TEST_F(Migration, sees_what_others_did_whatever_isolation_the_role_prefers)
{
    with.url += "?options=-c%20default_transaction_isolation%3Dserializable";
    const std::vector steps{first, second};
    auto other = std::async(std::launch::async, [&] { return migrate(with, steps); });
    const auto found = migrate(with, steps);
    EXPECT_TRUE(found) << found.error().detail;
    EXPECT_TRUE(other.get());
}

TEST_F(Migration, waits_for_others_however_short_the_role_waits_for_a_lock)
{
    const std::string plain = with.url;
    with.url += "?options=-c%20lock_timeout%3D1ms";
    const std::unique_ptr<PGconn, decltype(&PQfinish)> other(PQconnectdb(plain.c_str()), &PQfinish);
    PQclear(PQexec(other.get(), "SELECT pg_advisory_lock(x'736c756963650001'::bigint)"));
    auto waiting = std::async(std::launch::async, [&] { return migrate(with, std::vector{first}); });
    const auto count = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    const auto ended = [&] { return waiting.wait_for(std::chrono::milliseconds(20)) == std::future_status::ready; };
    for (int looks = 0; looks < 5 && !ended();) looks += ask_at(plain, count) == "1" ? 1 : 0;
    PQclear(PQexec(other.get(), "SELECT pg_advisory_unlock_all()"));
    const auto found = waiting.get();
    EXPECT_TRUE(found) << found.error().detail;
}

TEST_F(Migration, asks_a_database_that_is_up_to_date_for_no_right_to_write)
{
    ASSERT_TRUE(migrate(with, std::vector{first}));
    with.url += "?options=-c%20default_transaction_read_only%3Don";
    const auto found = migrate(with, std::vector{first});
    EXPECT_TRUE(found) << found.error().detail;
}

TEST_F(Migration, looks_without_changing_anything)
{
    const auto found = inspect(with, std::vector{first});
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_FALSE(found->exists);
    EXPECT_EQ(found->version, 0);
    EXPECT_EQ(tables(), "");
}

TEST_F(Migration, says_in_one_line_why_there_is_no_connection)
{
    const std::string good = with.url;
    const auto at = good.rfind('/');
    const std::vector<std::pair<std::string, std::string>> bad = {
        {good.substr(0, at) + "/absent", R"(database "absent" does not exist)"},
        {"postgres://nobody:x" + good.substr(good.find('@')), R"(password authentication failed for user "nobody")"},
        {"postgres://127.0.0.1:1/x", "Connection refused"},
        {"postgres://host.invalid/x", "host.invalid"},
        {good + "?sslmode=require", "SSL"},
        {good + "?sslmode=wrong", "sslmode"},
    };
    for (const auto& [url, part] : bad) {
        const auto refused = inspect({.url = url}, {});
        ASSERT_FALSE(refused) << url;
        EXPECT_EQ(refused.error().code, errc::unavailable);
        EXPECT_NE(refused.error().detail.find(part), std::string::npos) << refused.error().detail;
        EXPECT_EQ(refused.error().detail.find('\n'), std::string::npos);
    }
}

TEST_F(Migration, ends_when_it_is_told_to_and_leaves_nothing)
{
    constexpr migration endless{.name = "endless", .sql = "CREATE TABLE c (x int); SELECT pg_sleep(3600)"};
    std::stop_source stop;
    with.stop = stop.get_token();
    auto running = std::async(std::launch::async, [&] { return migrate(with, std::vector{endless}); });
    while (ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "0")
        ASSERT_EQ(running.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    stop.request_stop();
    EXPECT_FALSE(running.get());
    ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    EXPECT_EQ(tables(), "");
    EXPECT_FALSE(migrate(with, std::vector{first})) << "a token that was told already";
}

} // namespace
} // namespace sluice::postgres

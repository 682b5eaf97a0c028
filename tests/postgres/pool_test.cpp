// The pool beside a real PostgreSQL: who gets which answer, and what becomes of what fails, waits or is in the way. Run
// by server.py.
#include "database.hpp"

#include <sluice/telemetry/metrics.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::echo;
using test::insert_returning;

class Pool : public test::Database
{};

constexpr statement divide{"divide", "SELECT 100 / $1::int4", access::reads};
constexpr statement nap{"nap", "SELECT pg_sleep($1)", access::reads};
constexpr statement slow_write{"slow_write", "INSERT INTO numbers SELECT $1::int8 FROM pg_sleep($2)"};

task<result<std::int64_t>> number(pool& db, const statement& s, std::int64_t given)
{
    auto found = co_await db.query(s, given);
    if (!found) co_return fail(found.error());
    co_return (*found)[0].get<std::int64_t>(0);
}

TEST_F(Pool, gives_typed_rows)
{
    pool& db = open();
    const auto text = shards.run([&]() -> task<result<std::string>> {
        auto found = co_await db.query(echo, std::int64_t{7}, std::string_view("seven"));
        if (!found) co_return fail(found.error());
        co_return std::to_string((*found)[0].get<std::int64_t>(0)) + (*found)[0].get<std::string>(1);
    });
    ASSERT_TRUE(text) << text.error().detail;
    EXPECT_EQ(*text, "7seven");
}

TEST_F(Pool, gives_each_of_many_at_once_its_own_answer)
{
    pool& db = open();
    const auto answers = all(500, [&db](std::size_t i) -> task<result<std::int64_t>> {
        auto found = co_await db.query(echo, static_cast<std::int64_t>(i), std::string_view("x"));
        if (!found) co_return fail(found.error());
        co_return (*found)[0].get<std::int64_t>(0);
    });
    for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_EQ(answers[i].value(), static_cast<std::int64_t>(i));
}

TEST_F(Pool, fails_one_among_many_alone)
{
    pool& db = open();
    const auto answers = all(200, [&db](std::size_t i) -> task<result<std::int32_t>> {
        auto found = co_await db.query(divide, static_cast<std::int32_t>(i % 10));
        if (!found) co_return fail(found.error());
        co_return (*found)[0].get<std::int32_t>(0);
    });
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (i % 10 == 0)
            EXPECT_EQ(answers[i].error().code, errc::invalid) << i;
        else
            EXPECT_EQ(answers[i].value(), static_cast<std::int32_t>(100 / (i % 10)));
    }
}

TEST_F(Pool, writes_each_once_and_says_which_rule_a_conflict_broke)
{
    admin("CREATE TABLE numbers (n int8 CONSTRAINT only_once PRIMARY KEY); GRANT ALL ON numbers TO sluice");
    pool& db = open();
    const auto made =
        all(100, [&db](std::size_t i) { return number(db, insert_returning, static_cast<std::int64_t>(i % 50)); });
    EXPECT_EQ(std::ranges::count_if(made, [](const auto& r) { return r.has_value(); }), 50);
    for (const auto& one : made) {
        if (one) continue;
        EXPECT_EQ(one.error().code, errc::conflict);
        EXPECT_EQ(one.error().constraint, "only_once");
    }
    const auto errors = on_shard([&] { return db.counters().errors; });
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(std::string_view(errors[0].name.data(), 2), "23");
    EXPECT_EQ(errors[0].count, 50u);
    EXPECT_EQ(admin("SELECT count(*) FROM numbers"), "50");
}

TEST_F(Pool, shows_its_numbers_among_those_of_its_shard)
{
    admin("CREATE TABLE numbers (n int8 PRIMARY KEY); GRANT ALL ON numbers TO sluice");
    metric_set numbers;
    {
        pool_options with = options();
        with.metrics = &numbers;
        pool& db = open(with);
        (void)all(3, [&db](std::size_t) { return number(db, insert_returning, 1); });
        while (on_shard([&] { return db.counters().busy; }) > 0) {
        } // the end of a failed flight comes after its failure
        const std::string text = prometheus_text();
        const auto has = [&](std::string_view line) {
            return text.find("\n" + std::string(line) + "\n") != std::string::npos;
        };
        EXPECT_TRUE(has("sluice_postgres_queries_total 3")) << text;
        EXPECT_TRUE(has("sluice_postgres_errors_total{class=\"23\"} 2")) << text;
        EXPECT_TRUE(has("db_client_connection_max{db_client_connection_pool_name=\"postgresql\"} 4")) << text;
        EXPECT_NE(
            text.find("db_client_operation_duration_seconds_count{db_system_name=\"postgresql\",db_operation_name=\""),
            std::string::npos)
            << text;
        EXPECT_TRUE(has("db_client_connection_count{db_client_connection_pool_name=\"postgresql\",db_client_connection_"
                        "state=\"used\"} 0"))
            << text;
    }
}

TEST_F(Pool, fails_a_write_whose_commit_fails)
{
    admin("CREATE TABLE numbers (n int8 CONSTRAINT later UNIQUE DEFERRABLE INITIALLY DEFERRED);"
          "GRANT ALL ON numbers TO sluice; INSERT INTO numbers VALUES (1)");
    pool& db = open();
    EXPECT_EQ(shards.run([&] { return number(db, insert_returning, 1); }).error().constraint, "later");
    EXPECT_EQ(shards.run([&] { return number(db, insert_returning, 2); }).value(), 2);
}

TEST_F(Pool, prepares_again_what_a_changed_schema_or_a_reset_made_stale)
{
    admin("CREATE TABLE numbers (n int4); GRANT ALL ON numbers TO sluice; INSERT INTO numbers VALUES (1)");
    static constexpr statement whole{"whole", "SELECT * FROM numbers", access::reads};
    static constexpr statement reset{"", "DEALLOCATE ALL"};
    pool_options one = options();
    one.connections_max = 1;
    pool& db = open(one);
    ASSERT_TRUE(shards.run([&] { return db.query(whole); }));
    admin("ALTER TABLE numbers ALTER n TYPE int8");
    for (const auto& answer : all(20, [&db](std::size_t) { return db.query(whole); })) {
        ASSERT_TRUE(answer) << answer.error().detail;
        EXPECT_EQ((*answer)[0].get<std::int64_t>(0), 1);
    }
    ASSERT_TRUE(shards.run([&] { return db.query(reset); }));
    for (const auto& answer : all(20, [&db](std::size_t) { return db.query(whole); })) EXPECT_TRUE(answer);
    EXPECT_EQ(on_shard([&] { return db.counters().losses; }), 0u);
}

TEST_F(Pool, prepares_under_another_name_what_has_the_name_of_something_else)
{
    static constexpr statement other{"", "PREPARE taken AS SELECT 2::int8"};
    static constexpr statement reading{"taken", "SELECT 1::int8 + $1", access::reads};
    static constexpr statement writing{"taken", "INSERT INTO numbers VALUES ($1) RETURNING n"};
    admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice");
    pool_options one = options();
    one.connections_max = 1;
    pool& db = open(one);
    ASSERT_TRUE(shards.run([&] { return db.query(other); }));
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(shards.run([&] { return number(db, reading, 5); }), 6);
        EXPECT_EQ(shards.run([&] { return number(db, writing, 5); }), 5);
    }
    EXPECT_EQ(admin("SELECT count(*) FROM numbers"), "2");
    EXPECT_EQ(on_shard([&] { return db.counters().errors.size(); }), 1u); // and that of the first alone
}

TEST_F(Pool, fails_what_the_server_refuses_each_time_as_if_it_were_stale)
{
    static constexpr statement refused{"refused", "SELECT refuse()"};
    admin("CREATE FUNCTION refuse() RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE feature_not_supported; END$$");
    pool& db = open();
    EXPECT_EQ(shards.run([&] { return db.query(refused); }).error().code, errc::internal);
}

TEST_F(Pool, cancels_on_the_server_what_takes_too_long_and_nothing_else)
{
    pool_options hasty = options();
    hasty.statement_timeout = 100ms;
    hasty.connections_max = 2;
    pool& db = open(hasty);
    for (int i = 0; i < 5; ++i) {
        const auto late = shards.run([&] { return db.query(nap, 60.0); });
        ASSERT_FALSE(late);
        EXPECT_EQ(late.error().code, errc::timeout);
        for (const auto& answer : all(20, [&db](std::size_t n) { return number(db, divide, 0 + std::int64_t(n) + 1); }))
            EXPECT_TRUE(answer.has_value() || answer.error().code != errc::timeout);
    }
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND state = 'active'", "0");
    EXPECT_EQ(on_shard([&] { return db.counters().losses; }), 0u);
    EXPECT_GE(on_shard([&] { return db.counters().statement_timeouts; }), 5u);
    EXPECT_EQ(on_shard([&] { return db.counters().timeouts; }), 0u) << "each had a connection";
    EXPECT_GE(on_shard([&] { return db.counters().cancels; }), 5u);
}

TEST_F(Pool, calls_late_what_the_role_gives_no_more_time_and_asks_for_it_once)
{
    admin("CREATE SEQUENCE runs; GRANT ALL ON runs TO sluice; ALTER ROLE sluice SET statement_timeout = '200ms'");
    static constexpr statement slow{"slow", "SELECT nextval('runs'), pg_sleep(60)", access::reads};
    static constexpr statement slow_change{"slow_change", "SELECT nextval('runs'), pg_sleep(60)"};
    pool& db = open();
    for (const statement* what : {&slow, &slow_change}) {
        const auto late = shards.run([&] { return db.query(*what); });
        ASSERT_FALSE(late);
        EXPECT_EQ(late.error().code, errc::timeout) << late.error().detail;
    }
    EXPECT_EQ(admin("SELECT last_value FROM runs"), "2");
    admin("ALTER ROLE sluice RESET statement_timeout");
}

TEST_F(Pool, runs_reads_again_and_no_write_when_every_back_end_is_terminated)
{
    admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice");
    pool& db = open();
    for (const auto& warm : all(8, [&db](std::size_t) { return db.query(slow_write, std::int64_t{1}, 0.05); }))
        EXPECT_TRUE(warm);
    admin("DELETE FROM numbers");
    auto read = shards.start(0, [&] { return db.query(nap, 0.5); });
    auto write = shards.start(0, [&] { return db.query(slow_write, std::int64_t{1}, 60.0); });
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND state = 'active'", "2");
    admin(std::string("SELECT pg_terminate_backend(pid) ") + test::back_ends);
    const auto slept = read.get();
    EXPECT_TRUE(slept) << slept.error().detail;
    EXPECT_EQ(write.get().error().code, errc::outcome_unknown);
    EXPECT_EQ(admin("SELECT count(*) FROM numbers"), "0");
    EXPECT_GT(on_shard([&] { return db.counters().repeated; }), 0u);
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
}

TEST_F(Pool, refuses_at_once_where_the_database_is_known_to_be_away)
{
    pool_options nowhere = options();
    nowhere.url = "postgresql://127.0.0.1:1/none";
    pool& db = open(nowhere);
    for (int i = 0; i < 3; ++i) {
        const auto answer = shards.run([&] { return db.ping(); });
        EXPECT_EQ(answer.error().code, errc::unavailable);
        EXPECT_GT(answer.error().retry_after, 0s);
    }
    EXPECT_TRUE(on_shard([&] { return db.counters().away; }));
    EXPECT_GT(on_shard([&] { return db.counters().refused; }), 0u);
}

TEST_F(Pool, waits_for_a_connection_as_soon_as_another_shard_has_one)
{
    pool& db = open();
    admin("ALTER ROLE sluice NOLOGIN");
    admin(std::string("SELECT pg_terminate_backend(pid) ") + test::back_ends);
    while (!on_shard([&] { return db.counters().away; })) (void)shards.run([&] { return db.ping(); });
    admin("ALTER ROLE sluice LOGIN");
    pool& other = open();
    ASSERT_TRUE(shards.run([&] { return other.ping(); }));
    const auto answer = shards.run([&] { return db.ping(); });
    EXPECT_TRUE(answer) << answer.error().detail;
}

TEST_F(Pool, lets_no_more_wait_than_its_bound)
{
    static constexpr statement locked{"locked", "SELECT pg_advisory_xact_lock(1)", access::reads};
    pool_options small = options();
    small.connections_max = 1;
    small.queries_max = 1;
    small.waiters_max = 2;
    small.connect_timeout = small.statement_timeout = 30s;
    pool& db = open(small);
    ASSERT_TRUE(shards.run([&] { return db.ping(); }));
    admin("SELECT pg_advisory_lock(1)");
    const auto ask = [&db] { return db.query(locked); };
    auto first = shards.start(0, ask);
    auto second = shards.start(0, ask);
    auto third = shards.start(0, ask);
    while (on_shard([&] { return db.counters().waiting; }) < 2) std::this_thread::yield();
    const auto more = all(7, [&](std::size_t) { return ask(); });
    EXPECT_EQ(on_shard([&] { return db.counters().refused; }), 7u);
    EXPECT_EQ(on_shard([&] { return db.counters().waiting; }), 2u);
    admin("SELECT pg_advisory_unlock(1)");
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_TRUE(third.get());
    EXPECT_EQ(on_shard([&] { return db.counters().waiting; }), 0u);
    for (const auto& refused : more) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::unavailable);
        EXPECT_GT(refused.error().retry_after, 0ms);
    }
}

TEST_F(Pool, prepares_what_nobody_waited_for_when_somebody_does)
{
    pool_options one = options();
    one.connections_max = 1;
    pool& db = open(one);
    ASSERT_TRUE(shards.run([&] { return db.ping(); }));
    context late;
    late.deadline = time_point{};
    EXPECT_FALSE(shards.start(0, [&] { return number(db, divide, 0); }, &late).get());
    static constexpr statement prepared{"", "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'echo%'",
                                        access::reads};
    ASSERT_TRUE(shards.run([&] { return db.query(echo, std::int64_t{1}, std::string("x")); }));
    EXPECT_EQ(shards.run([&] { return db.query(prepared); }).value()[0].get<std::int64_t>(0), 1);
}

TEST_F(Pool, does_not_take_one_statement_for_another_that_had_its_place)
{
    pool_options one = options();
    one.connections_max = 1;
    pool& db = open(one);
    for (const std::int64_t n : {1, 2}) {
        const std::string sql = "SELECT " + std::to_string(n) + "::int8";
        const auto answer = shards.run([&]() -> task<result<std::int64_t>> {
            static statement reused{};
            reused = {"reused", sql.c_str(), access::reads};
            auto found = co_await db.query(reused);
            if (!found) co_return fail(found.error());
            co_return (*found)[0].get<std::int64_t>(0);
        });
        EXPECT_EQ(answer.value(), n);
    }
}

TEST_F(Pool, makes_durable_what_a_role_would_not)
{
    static constexpr statement ask{"", "SHOW synchronous_commit", access::reads};
    admin("ALTER ROLE sluice SET synchronous_commit = off");
    pool& db = open();
    EXPECT_EQ(shards.run([&] { return db.query(ask); }).value()[0].get<std::string>(0), "on");
    admin("ALTER ROLE sluice RESET synchronous_commit");
}

TEST_F(Pool, closes_what_is_idle_above_its_minimum)
{
    admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice");
    pool_options brief = options();
    brief.idle_timeout = 100ms;
    pool& db = open(brief);
    for (const auto& made : all(16, [&db](std::size_t) { return db.query(slow_write, std::int64_t{1}, 0.1); }))
        EXPECT_TRUE(made);
    EXPECT_GT(on_shard([&] { return db.counters().connects; }), 1u);
    admin.await(std::string("SELECT count(*) ") + test::back_ends, "1");
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
}

TEST_F(Pool, renews_what_is_old_without_a_failure)
{
    static constexpr statement who{"who", "SELECT pg_backend_pid()", access::reads};
    for (const unsigned most : {1U, 4U}) {
        pool_options young = options();
        young.age_max = 50ms;
        young.connections_max = most;
        pool& db = open(young);
        const auto ask = [&db](std::size_t) -> task<result<std::int32_t>> {
            auto found = co_await db.query(who);
            if (!found) co_return fail(found.error());
            co_return (*found)[0].get<std::int32_t>(0);
        };
        const std::int32_t first = all(1, ask)[0].value();
        std::int32_t now = first;
        while (now == first)
            for (const auto& one : all(20, ask)) {
                ASSERT_TRUE(one) << one.error().detail;
                now = *one;
            }
        EXPECT_EQ(on_shard([&] { return db.counters().losses; }), 0u);
    }
}

TEST_F(Pool, names_no_statement_behind_a_transaction_pooler)
{
    pool_options pooled = options();
    pooled.transaction_pooler = true;
    pooled.connections_max = 1;
    pool& db = open(pooled);
    for (const auto& answer :
         all(50, [&db](std::size_t n) { return db.query(echo, std::int64_t(n), std::string("x")); }))
        ASSERT_TRUE(answer) << answer.error().detail;
    static constexpr statement named{"", "SELECT count(*) FROM pg_prepared_statements", access::reads};
    EXPECT_EQ(shards.run([&] { return db.query(named); }).value()[0].get<std::int64_t>(0), 0);
}

} // namespace
} // namespace sluice::postgres

// Failures within a transaction of which PostgreSQL does not know, or may not: values that are refused before they are
// sent, statements that nobody waits for any more, names that are taken. Run by server.py.
#include "database.hpp"

#include <sluice/coro/stop.hpp>
#include <sluice/postgres/transaction.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using test::insert;

constexpr statement say{"say", "SELECT $1::text", access::reads};
constexpr std::string_view unsayable = "a\0b"sv;

class TransactionFailures : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        admin("CREATE TABLE numbers (n int8 PRIMARY KEY); GRANT ALL ON numbers TO sluice");
    }
    std::string stored() { return admin("SELECT coalesce(string_agg(n::text, ',' ORDER BY n), '') FROM numbers"); }
};

TEST_F(TransactionFailures, of_a_value_that_is_refused_commit_nothing)
{
    pool& db = open();
    for (const bool first : {true, false}) {
        const auto ended = shards.run([&] {
            return transact(db, {}, [first](transaction& t) -> task<result<void>> {
                if (!first) EXPECT_TRUE(co_await t.query(insert, std::int64_t{1}));
                auto refused = co_await t.query(say, unsayable);
                EXPECT_EQ(refused.error().code, errc::invalid);
                auto after = co_await t.query(insert, std::int64_t{2});
                EXPECT_EQ(after.error().code, errc::invalid);
                co_return {}; // as if nothing had happened
            });
        });
        ASSERT_FALSE(ended);
        EXPECT_EQ(ended.error().code, errc::invalid);
        EXPECT_EQ(stored(), "");
    }
    EXPECT_EQ(on_shard([&] { return db.counters().losses; }), 0u);
}

TEST_F(TransactionFailures, of_a_value_that_is_refused_are_undone_by_a_savepoint)
{
    pool& db = open();
    const auto ended = shards.run([&] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            auto first = co_await t.query(insert, std::int64_t{1});
            auto saved = co_await t.savepoint("before");
            auto second = co_await t.query(insert, std::int64_t{2});
            auto refused = co_await t.query(say, unsayable);
            EXPECT_TRUE(first && saved && second && !refused);
            EXPECT_FALSE(co_await t.savepoint("after"));
            EXPECT_TRUE(co_await t.rollback_to("before"));
            EXPECT_TRUE(co_await t.query(insert, std::int64_t{3}));
            co_return {};
        });
    });
    EXPECT_TRUE(ended) << ended.error().detail;
    EXPECT_EQ(stored(), "1,3");
}

TEST_F(TransactionFailures, of_a_late_statement_commit_nothing_though_it_ends_well)
{
    static constexpr statement nap{"nap", "SELECT sleep_whatever_comes()"};
    admin("CREATE FUNCTION sleep_whatever_comes() RETURNS void LANGUAGE plpgsql AS "
          "$$BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END$$");
    pool_options hasty = options();
    hasty.statement_timeout = 1s;
    pool& db = open(hasty);
    const auto ended = shards.run([&] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            EXPECT_TRUE(co_await t.query(insert, std::int64_t{1}));
            auto late = co_await t.query(nap);
            EXPECT_EQ(late.error().code, errc::timeout);
            EXPECT_EQ(late.error().detail, "The database did not answer in time"); // and nothing of it is done
            co_return {};
        });
    });
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, errc::timeout);
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND state <> 'idle'", "0");
    EXPECT_EQ(stored(), "");
}

TEST_F(TransactionFailures, of_a_connection_that_was_lost_before_the_first_statement_commit_nothing)
{
    pool& db = open();
    std::atomic<bool> began = false, may_go_on = false;
    auto ended = shards.start(0, [&] {
        return transact(db, {}, [&](transaction& t) -> task<result<void>> {
            began = true;
            while (!may_go_on) (void)co_await sleep_for(1ms);
            EXPECT_EQ((co_await t.query(insert, std::int64_t{1})).error().code, errc::unavailable);
            co_return {}; // as if nothing had happened
        });
    });
    while (!began) std::this_thread::sleep_for(1ms);
    admin(std::string("SELECT pg_terminate_backend(pid) ") + test::back_ends);
    while (on_shard([&] { return std::uint64_t(db.counters().losses); }) == 0) std::this_thread::sleep_for(1ms);
    may_go_on = true;
    const auto how = ended.get();
    ASSERT_FALSE(how);
    EXPECT_EQ(how.error().code, errc::unavailable);
    EXPECT_EQ(stored(), "");
}

TEST_F(TransactionFailures, of_a_statement_that_the_server_ended_for_its_time_cost_no_connection)
{
    static constexpr statement nap{"nap", "SELECT pg_sleep(60)"};
    admin("ALTER ROLE sluice SET statement_timeout = '1s'");
    pool& db = open();
    for (const bool undone : {false, true}) {
        const auto ended = shards.run([&] {
            return transact(db, {}, [undone](transaction& t) -> task<result<void>> {
                EXPECT_TRUE(co_await t.query(insert, std::int64_t{1}));
                EXPECT_TRUE(co_await t.savepoint("before"));
                auto late = co_await t.query(nap);
                EXPECT_EQ(late.error().code, errc::timeout);
                if (undone) EXPECT_TRUE(co_await t.rollback_to("before"));
                co_return {};
            });
        });
        EXPECT_EQ(ended.has_value(), undone);
        if (!ended) EXPECT_EQ(ended.error().code, errc::timeout);
        EXPECT_EQ(stored(), undone ? "1" : "");
    }
    EXPECT_EQ(on_shard([&] { return db.counters().connects; }), 1u);
    admin("ALTER ROLE sluice RESET statement_timeout");
}

// More at once than there may be cancellations under way.
TEST_F(TransactionFailures, of_many_at_once_leave_nothing_running)
{
    static constexpr statement lock{"lock", "LOCK TABLE numbers IN SHARE MODE", access::reads};
    static constexpr unsigned count = 10;
    pool_options many = options();
    many.connections_max = count + 1; // transactions may have all but one
    many.connect_timeout = many.statement_timeout = 60s;
    pool& db = open(many);
    admin("BEGIN; LOCK TABLE numbers");
    stop_source stop;
    std::deque<context> requests(count, context{.stop = &stop});
    std::vector<std::future<result<void>>> waiting;
    for (context& request : requests)
        waiting.push_back(shards.start(
            0,
            [&db] {
                return transact(db, {}, [](transaction& t) -> task<result<void>> {
                    auto locked = co_await t.query(lock);
                    if (!locked) co_return fail(locked.error());
                    co_return {};
                });
            },
            &request));
    const std::string running =
        std::string("SELECT count(*) FROM pg_locks JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND ") +
        "application_name = 'sluice'";
    test::session watcher;
    watcher.await(running, std::to_string(count));
    on_shard([&] {
        stop.request();
        return true;
    });
    for (auto& one : waiting) EXPECT_EQ(one.get().error().code, errc::cancelled);
    watcher.await(running, "0");
    EXPECT_GE(on_shard([&] { return db.counters().cancels; }), count);
    admin("COMMIT");
    EXPECT_EQ(on_shard([&] { return db.counters().losses; }), 0u);
}

TEST_F(TransactionFailures, of_a_name_that_is_taken_are_for_now_or_met_no_second_time)
{
    static constexpr statement other{"", "PREPARE say AS SELECT 2"};
    pool_options one = options();
    one.connections_max = 1;
    for (const bool repeatable : {false, true}) {
        pool& db = open(one);
        ASSERT_TRUE(shards.run([&] { return db.query(other); }));
        const auto ask = [&] {
            return transact(db, {.repeatable = repeatable}, [](transaction& t) -> task<result<void>> {
                auto said = co_await t.query(say, "something"sv);
                if (!said) co_return fail(said.error());
                co_return {};
            });
        };
        const auto met = shards.run(ask);
        EXPECT_EQ(met.has_value(), repeatable);
        if (!met) EXPECT_EQ(met.error().code, errc::unavailable) << met.error().detail;
        EXPECT_TRUE(shards.run(ask));
    }
}

TEST_F(TransactionFailures, are_none_where_two_statements_have_one_name)
{
    static constexpr statement one{"same", "SELECT 1::int8", access::reads};
    static constexpr statement two{"same", "SELECT 2::int8", access::reads};
    pool_options few = options();
    few.connections_max = 1;
    pool& db = open(few);
    for (int i = 0; i < 2; ++i) {
        const auto sum = shards.run([&] {
            return transact(db, {}, [](transaction& t) -> task<result<std::int64_t>> {
                auto first = co_await t.query(one);
                auto second = co_await t.query(two);
                if (!first || !second) co_return fail(errc::internal);
                co_return (*first)[0].get<std::int64_t>(0) + (*second)[0].get<std::int64_t>(0);
            });
        });
        ASSERT_TRUE(sum) << sum.error().detail;
        EXPECT_EQ(*sum, 3);
    }
}

} // namespace
} // namespace sluice::postgres

// Transactions that wait for a connection while what runs there is given up: the connection goes to one of them once it
// may, and is nobody's where nobody waits any more. Run by server.py.
#include "database.hpp"

#include <sluice/coro/stop.hpp>
#include <sluice/postgres/transaction.hpp>

#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::begin;
using test::insert;

constexpr statement unmoved{"unmoved", "SELECT sleep_whatever_comes()", access::reads};

class PoolLeases : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        // Cancelled, it ends well: as if it had ended by itself just before.
        admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice;"
              "CREATE FUNCTION sleep_whatever_comes() RETURNS void LANGUAGE plpgsql AS "
              "$$BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END$$");
    }
    pool& open_one()
    {
        pool_options one = options();
        one.connections_max = 1;
        one.connect_timeout = 30s;
        one.statement_timeout = 60s;
        pool& db = open(one);
        EXPECT_TRUE(shards.run([&] { return db.ping(); }));
        return db;
    }
    // A cancellation was asked for, and has met nothing.
    void await_cancelled(pool& db)
    {
        while (on_shard([&] { return db.counters().cancels; }) == 0) std::this_thread::yield();
        while (on_shard([&] { return db.counters().busy; }) > 0) std::this_thread::yield();
    }
};

task<result<void>> napping(pool& db)
{
    auto answered = co_await db.query(unmoved);
    if (!answered) co_return fail(std::move(answered.error()));
    co_return {};
}

task<result<void>> inserting(pool& db)
{
    return transact(db, {}, [](transaction& t) -> task<result<void>> {
        auto made = co_await t.query(insert, std::int64_t{1});
        if (!made) co_return fail(std::move(made.error()));
        co_return {};
    });
}

TEST_F(PoolLeases, get_a_connection_once_a_cancellation_cannot_meet_them_any_more)
{
    pool& db = open_one();
    stop_source stop;
    context stopped{.stop = &stop};
    auto given_up = shards.start(0, [&] { return napping(db); }, &stopped);
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND wait_event = 'PgSleep'", "1");
    on_shard([&] {
        stop.request();
        return true;
    });
    EXPECT_FALSE(given_up.get());
    await_cancelled(db);
    const auto done = shards.run([&] { return inserting(db); });
    EXPECT_TRUE(done) << done.error().detail;
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
}

TEST_F(PoolLeases, leave_the_connection_to_queries_where_they_wait_no_longer)
{
    pool& db = open_one();
    stop_source first_stop, second_stop;
    context first{.stop = &first_stop}, second{.stop = &second_stop};
    std::future<result<void>> given_up, waiting;
    on_shard([&] { // in one turn: before it is known that the first runs long
        given_up = begin([&] { return napping(db); }, &first);
        waiting = begin([&] { return inserting(db); }, &second);
        return true;
    });
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND wait_event = 'PgSleep'", "1");
    on_shard([&] {
        first_stop.request();
        return true;
    });
    EXPECT_FALSE(given_up.get());
    await_cancelled(db);
    on_shard([&] {
        second_stop.request();
        return true;
    });
    (void)waiting.get(); // on a slow machine it has had the connection by now
    std::future<result<void>> after;
    EXPECT_EQ(on_shard([&] {
                  after = begin([&] { return db.ping(); });
                  return db.counters().waiting;
              }),
              0u);
    EXPECT_TRUE(after.get());
}

TEST_F(PoolLeases, get_the_connection_of_a_query_that_leaves_before_it_was_sent)
{
    pool& db = open_one();
    stop_source stop;
    context stopped{.stop = &stop};
    std::future<result<void>> given_up, waiting;
    on_shard([&] {
        given_up = begin([&] { return napping(db); }, &stopped);
        waiting = begin([&] { return inserting(db); });
        stop.request();
        return true;
    });
    EXPECT_FALSE(given_up.get());
    EXPECT_TRUE(waiting.get());
    EXPECT_EQ(on_shard([&] { return db.counters().cancels; }), 0u);
}

// Each stalls its connection, and there are always some that wait.
TEST_F(PoolLeases, get_a_connection_among_statements_that_are_slow_each_time)
{
    constexpr static statement slow{"slow", "SELECT pg_sleep(0.02)", access::reads};
    for (const unsigned most : {1U, 2U, 4U}) {
        pool_options few = options();
        few.connections_max = most;
        few.connect_timeout = 10s;
        few.statement_timeout = 60s;
        pool& db = open(few);
        bool done = false; // the shard's
        std::vector<std::future<bool>> others;
        for (int i = 0; i < 12; ++i)
            others.push_back(shards.start(0, [&]() -> task<bool> {
                bool answered = true;
                while (!done && answered) answered = (co_await db.query(slow)).has_value();
                co_return answered;
            }));
        admin.await(std::string("SELECT count(*) > 0 ") + test::back_ends + " AND wait_event = 'PgSleep'", "t");
        for (int i = 0; i < 3; ++i) {
            const auto made = shards.run([&] { return inserting(db); });
            EXPECT_TRUE(made) << most << " connections: " << made.error().detail;
        }
        on_shard([&] { return done = true; });
        for (auto& one : others) EXPECT_TRUE(one.get());
    }
}

} // namespace
} // namespace sluice::postgres

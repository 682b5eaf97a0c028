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

class Leases : public PoolLeases
{
protected:
    pool& open_three()
    {
        pool_options three = options();
        three.connections_max = 3;
        three.connect_timeout = 5s;
        three.statement_timeout = 60s;
        return open(three);
    }
    // A transaction that does nothing until `done`, which is the shard's.
    auto holding(pool& db, const bool& done)
    {
        return shards.start(0, [&db, &done] {
            return transact(db, {}, [&done](transaction&) -> task<result<void>> {
                while (!done) co_await sleep_for(1ms);
                co_return {};
            });
        });
    }
    std::future<result<rows>> waiting(pool& db, context* with = nullptr)
    {
        auto waits = shards.start(0, [&db] { return db.query(locked_out); }, with);
        while (on_shard([&] { return db.counters().stalled; }) < 1) std::this_thread::yield();
        return waits;
    }
    // What waits for the lock is given up.
    void wait_in_vain(pool& db)
    {
        stop_source stop;
        context stopped{.stop = &stop};
        auto in_vain = waiting(db, &stopped);
        on_shard([&] {
            stop.request();
            return true;
        });
        EXPECT_FALSE(in_vain.get());
    }
    static constexpr statement locked_out{"locked_out", "SELECT pg_advisory_xact_lock(1)", access::reads};
};

TEST_F(Leases, that_come_free_together_leave_one_connection_to_queries)
{
    pool& db = open_three();
    bool first_done = false, done = false;
    admin("SELECT pg_advisory_lock(1)");
    auto stalls = waiting(db);
    auto first = holding(db, first_done);
    while (on_shard([&] { return db.counters().busy; }) < 2) std::this_thread::yield();
    std::vector<std::future<result<void>>> others;
    for (int i = 0; i < 2; ++i) others.push_back(holding(db, done));
    while (on_shard([&] { return db.counters().waiting; }) < 2) std::this_thread::yield();
    while (on_shard([&] { return db.counters().open; }) < 3) std::this_thread::yield();
    on_shard([&] { return first_done = true; });
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
    on_shard([&] { return done = true; });
    for (auto& one : others) EXPECT_TRUE(one.get());
    admin("SELECT pg_advisory_unlock(1)");
    EXPECT_TRUE(stalls.get());
}

TEST_F(Leases, leave_one_connection_to_what_has_stalled_before_as_well)
{
    pool& db = open_three();
    admin("SELECT pg_advisory_lock(1)");
    wait_in_vain(db);
    admin("SELECT pg_advisory_unlock(1)");
    while (on_shard([&] { return db.counters().busy; }) > 0) std::this_thread::yield();
    bool done = false;
    std::vector<std::future<result<void>>> both;
    for (int i = 0; i < 2; ++i) both.push_back(holding(db, done));
    while (on_shard([&] { return db.counters().busy; }) < 2) std::this_thread::yield();
    const auto answered = shards.run([&db] { return db.query(locked_out); });
    EXPECT_TRUE(answered) << answered.error().detail;
    on_shard([&] { return done = true; });
    for (auto& one : both) EXPECT_TRUE(one.get());
}

// Not a transaction: four are allowed, but the server gives no more than two.
TEST_F(Leases, or_none_what_has_stalled_before_has_the_other_of_two_connections)
{
    static constexpr statement other{"other", "SELECT pg_advisory_xact_lock(2)", access::reads};
    pool_options four = options();
    four.connect_timeout = 5s;
    four.statement_timeout = 60s;
    pool& db = open(four);
    admin("ALTER ROLE sluice CONNECTION LIMIT 2; SELECT pg_advisory_lock(1), pg_advisory_lock(2)");
    wait_in_vain(db);
    while (on_shard([&] { return db.counters().busy; }) > 0) std::this_thread::yield();
    auto stalls = shards.start(0, [&db] { return db.query(other); });
    while (on_shard([&] { return db.counters().stalled; }) < 1) std::this_thread::yield();
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
    admin("SELECT pg_advisory_unlock(1)");
    const auto answered = shards.run([&db] { return db.query(locked_out); });
    EXPECT_TRUE(answered) << answered.error().detail;
    EXPECT_EQ(on_shard([&] { return db.counters().open; }), 2U);
    admin("ALTER ROLE sluice CONNECTION LIMIT -1; SELECT pg_advisory_unlock(2)");
    EXPECT_TRUE(stalls.get());
}

} // namespace
} // namespace sluice::postgres

// What waits for a lock on a connection, and what gets behind it meanwhile, or once it was given up. Run by server.py.
#include "database.hpp"
#include "postgres/connection.hpp"
#include "postgres/errors.hpp"

#include <sluice/coro/stop.hpp>
#include <sluice/postgres/transaction.hpp>
#include <sluice/shard/wait.hpp>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;

constexpr statement locked{"locked", "SELECT pg_backend_pid() FROM (SELECT count(*) FROM numbers) AS counted",
                           access::reads};
constexpr statement free_of_locks{"free_of_locks", "SELECT pg_backend_pid()", access::reads};
constexpr statement one_lock{"one_lock", "SELECT pg_advisory_xact_lock(1)", access::reads};
constexpr statement other_lock{"other_lock", "SELECT pg_advisory_xact_lock(2)", access::reads};
constexpr std::array<statement, 4> kinds = {{{"a", "SELECT pg_advisory_xact_lock(1), 1", access::reads},
                                             {"b", "SELECT pg_advisory_xact_lock(1), 2", access::reads},
                                             {"c", "SELECT pg_advisory_xact_lock(1), 3", access::reads},
                                             {"d", "SELECT pg_advisory_xact_lock(1), 4", access::reads}}};
constexpr statement change{"change", "INSERT INTO numbers VALUES (1)"};
const std::string locked_back_ends = std::string(test::back_ends) + " AND wait_event_type = 'Lock'";

// Of one connection. What comes back to it does not run again.
struct lone final : connection_owner
{
    void returned(query_run& q, pipeline::verdict) override
    {
        ++handed_over;
        q.end(fail(unavailable("handed over")));
    }
    void failed(std::string_view) override {}
    void has_room(connection& c) override
    {
        if (handed_over > 0 && c.idle()) at_rest.complete();
    }
    void stalled(connection&) override { has_stalled.complete(); }
    void moves_again(const statement*) override { ++moves; }
    void ran_alone(const statement&) override { ++alone; }
    void moved() override {}
    void takes_changes(bool, bool) override {}
    bool cancel(const back_end&) override { return false; }
    void cancelled(connection&) override {}
    void ended(connection&, std::string) override { at_rest.complete(); }

    unsigned handed_over = 0, moves = 0, alone = 0;
    wait has_stalled, at_rest;
};

task<result<int>> process_of(pool& db, const statement& s)
{
    auto found = co_await db.query(s);
    if (!found) co_return fail(std::move(found.error()));
    co_return (*found)[0].get<int>(0);
}

class Stalls : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice");
    }
    void lock() { locker("BEGIN; LOCK TABLE numbers"); }
    connection_handle connect()
    {
        auto made = connect_pipelined({.url = options().url, .timeout = 60s}, true);
        EXPECT_TRUE(made) << made.error().detail;
        return std::move(made->handle);
    }
    // Once a session of the pool waits for the lock: its process, as text.
    std::string waiting_back_end()
    {
        admin.await("SELECT count(*) " + locked_back_ends, "1");
        return admin("SELECT pid " + locked_back_ends);
    }

    void await_locks(const std::string& count) { admin.await("SELECT count(*) " + locked_back_ends, count); }
    auto asking(const statement& s)
    {
        return [this, &s] { return opened->query(s); };
    }
    void await_stalled(unsigned connections)
    {
        while (on_shard([this] { return opened->counters().stalled; }) < connections) std::this_thread::yield();
    }
    // So many connections, all open and known to be quick.
    pool& open_all(unsigned connections)
    {
        pool_options exactly = options();
        exactly.connections_min = exactly.connections_max = connections;
        exactly.connect_timeout = 5s;
        exactly.statement_timeout = 60s;
        opened = &open(exactly);
        EXPECT_TRUE(shards.run([this] { return opened->ping(); }));
        admin("SELECT pg_advisory_lock(1)");
        std::vector<std::future<result<rows>>> stalling;
        for (unsigned i = 1; i < connections; ++i) {
            stalling.push_back(shards.start(0, asking(kinds[i])));
            await_stalled(i);
            EXPECT_TRUE(shards.run(asking(free_of_locks))); // on the next
        }
        admin("SELECT pg_advisory_unlock(1)");
        for (auto& one : stalling) EXPECT_TRUE(one.get());
        await_rest();
        EXPECT_EQ(on_shard([this] { return opened->counters().open; }), connections);
        return *opened;
    }
    // It waits for its lock and is given up: so the pool remembers.
    void give_up(const statement& s)
    {
        stop_source stop;
        context stopped{.stop = &stop};
        auto in_vain = shards.start(0, asking(s), &stopped);
        await_stalled(1);
        on_shard([&] {
            stop.request();
            return true;
        });
        EXPECT_FALSE(in_vain.get());
    }
    void await_rest()
    {
        while (on_shard([&] { return opened->counters().busy; }) > 0) std::this_thread::yield();
    }

    test::session locker;
    pool* opened = nullptr;
};

// The first was given up, and the others handed over when they had been sent: they wait for the lock as well.
TEST_F(Stalls, are_over_once_what_was_handed_over_is)
{
    connection_handle made = connect();
    const unsigned moves = shards.run([this, &made]() -> task<unsigned> {
        lone owner;
        connection c(shard::current(), std::move(made), owner,
                     {.flights_max = 8, .stalled_after = 500ms, .age_max = 1h, .given_up_after = 60s});
        const parameters none;
        query_run prepares(locked, none), first(locked, none);
        c.submit(prepares);
        EXPECT_EQ(co_await prepares.finished.until(), wait_end::completed);
        lock();
        EXPECT_TRUE(co_await sleep_for(1ms)); // that took its time
        c.submit(first);
        std::vector<std::unique_ptr<query_run>> others; // more than one cancellation may meet
        for (int i = 0; i < 4; ++i) {
            EXPECT_TRUE(co_await sleep_for(1ms)); // each has a flight of its own
            c.submit(*others.emplace_back(std::make_unique<query_run>(locked, none)));
        }
        EXPECT_EQ(co_await owner.has_stalled.until(), wait_end::completed);
        EXPECT_EQ(owner.handed_over, others.size());
        EXPECT_TRUE(c.leave(first));
        EXPECT_EQ(co_await owner.at_rest.until(), wait_end::completed);
        EXPECT_TRUE(c.takes());
        c.give_up({});
        while (!c.at_rest()) EXPECT_TRUE(co_await sleep_for(1ms));
        co_return owner.moves;
    });
    EXPECT_EQ(moves, 1U);
}

// Somebody else cancels it, so it runs once more.
TEST_F(Stalls, let_nothing_behind_what_runs_alone_when_it_runs_again)
{
    lone owner;
    const parameters none;
    query_run q(locked, none);
    std::optional<connection> c;
    lock();
    connection_handle made = connect();
    on_shard([&] {
        c.emplace(shard::current(), std::move(made), owner,
                  connection_limits{.stalled_after = 1h, .age_max = 1h, .given_up_after = 1h});
        c->run_alone(locked);
        c->submit(q);
        return true;
    });
    const std::string process = waiting_back_end(), since = admin("SELECT now()");
    admin("SELECT pg_cancel_backend(" + process + ")");
    admin.await("SELECT count(*) " + locked_back_ends + " AND query_start > '" + since + "'", "1");
    EXPECT_FALSE(on_shard([&] { return c->takes(); }));
    EXPECT_EQ(owner.alone, 0U);
    locker("COMMIT");
    while (!on_shard([&] { return c->idle(); })) std::this_thread::yield();
    EXPECT_TRUE(on_shard([&] { return c->takes(); }));
    EXPECT_EQ(owner.alone, 1U);
    on_shard([&] {
        c->give_up({});
        c.reset();
        return true;
    });
}

// Reads gather on the first connection; what waits in vain there once waits on another the next time.
TEST_F(Stalls, in_vain_are_remembered_until_the_statement_has_come_to_its_end)
{
    pool_options patient = options();
    patient.connect_timeout = patient.statement_timeout = 60s;
    pool& db = open(patient);
    const auto process = [&db](const statement& s) { return [&db, &s] { return process_of(db, s); }; };
    const auto first = shards.run(process(free_of_locks));
    ASSERT_TRUE(first) << first.error().detail;

    lock();
    stop_source stop;
    context stopped{.stop = &stop};
    auto given_up = shards.start(0, process(locked), &stopped);
    EXPECT_EQ(waiting_back_end(), std::to_string(*first));
    const auto second = shards.run(process(free_of_locks)); // only once the first has stalled
    ASSERT_TRUE(second) << second.error().detail;
    EXPECT_NE(*second, *first);
    on_shard([&] {
        stop.request();
        return true;
    });
    EXPECT_FALSE(given_up.get());
    while (on_shard([&] { return db.counters().busy; }) > 0) std::this_thread::yield();

    auto again = shards.start(0, process(locked));
    EXPECT_NE(waiting_back_end(), std::to_string(*first));
    locker("COMMIT");
    EXPECT_TRUE(again.get());
    const auto last = shards.run(process(locked));
    ASSERT_TRUE(last) << last.error().detail;
    EXPECT_EQ(*last, *first);
}

TEST_F(Stalls, are_forgotten_though_the_statement_fails_each_time)
{
    connection_handle made = connect();
    const unsigned alone = shards.run([&made]() -> task<unsigned> {
        constexpr statement fails{"fails", "SELECT 1 / (random() * 0)::int", access::reads};
        lone owner;
        connection c(shard::current(), std::move(made), owner,
                     {.stalled_after = 1h, .age_max = 1h, .given_up_after = 1h});
        const parameters none;
        query_run q(fails, none);
        c.run_alone(fails);
        c.submit(q);
        EXPECT_EQ(co_await q.finished.until(), wait_end::completed);
        EXPECT_FALSE(*q.outcome);
        while (!c.idle()) EXPECT_TRUE(co_await sleep_for(1ms));
        c.give_up({});
        while (!c.at_rest()) EXPECT_TRUE(co_await sleep_for(1ms));
        co_return owner.alone;
    });
    EXPECT_EQ(alone, 1U);
}

// Two connections: one has what nobody waits for any more and no cancellation ends, one stalls and is free again. What
// waits for the former stands in nobody's way to the latter.
TEST_F(Stalls, hold_up_no_other_statement_where_their_owner_has_left)
{
    admin("CREATE FUNCTION stubborn() RETURNS void LANGUAGE plpgsql AS $$BEGIN LOOP BEGIN PERFORM "
          "pg_advisory_xact_lock(1); "
          "RETURN; EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END$$");
    constexpr static statement stubborn{"stubborn", "SELECT stubborn()", access::reads};
    pool& db = open_all(2);
    admin("SELECT pg_advisory_lock(1)");
    give_up(stubborn);
    admin("SELECT pg_advisory_unlock(1)");
    await_rest();

    admin("SELECT pg_advisory_lock(1), pg_advisory_lock(2)");
    stop_source stop;
    context stopped{.stop = &stop};
    const bool sent = shards.run([&]() -> task<bool> {
        auto left = test::begin(asking(stubborn), &stopped);
        EXPECT_TRUE(co_await sleep_for(1ms)); // it is sent
        const bool waits = left.wait_for(0s) != std::future_status::ready;
        stop.request();
        co_return waits;
    });
    EXPECT_TRUE(sent);
    await_locks("1");
    auto stalls = shards.start(0, asking(other_lock));
    await_locks("2");
    auto waits = shards.start(0, asking(stubborn));
    auto behind = shards.start(0, asking(free_of_locks));
    while (on_shard([&] { return db.counters().waiting; }) < 2) std::this_thread::yield();
    admin("SELECT pg_advisory_unlock(2)");
    EXPECT_TRUE(stalls.get());
    const auto answered = behind.get();
    EXPECT_TRUE(answered) << answered.error().detail;
    admin("SELECT pg_advisory_unlock(1)");
    EXPECT_TRUE(waits.get());
}

// The first that waits stalls half of the connections; the second ran alone for a moment, and what waited for that is
// behind what waits for the first.
TEST_F(Stalls, keep_nothing_waiting_for_a_kind_that_has_run_alone)
{
    pool& db = open_all(4);
    admin("SELECT pg_advisory_lock(2)");
    give_up(other_lock);
    await_rest();
    admin("SELECT pg_advisory_unlock(2), pg_advisory_lock(1)");
    std::vector<std::future<result<rows>>> waiting;
    for (const unsigned stalled : {1U, 2U, 2U}) {
        waiting.push_back(shards.start(0, asking(one_lock)));
        await_stalled(stalled);
    }
    while (on_shard([&] { return db.counters().waiting; }) < 1) std::this_thread::yield();
    std::vector<std::future<result<rows>>> others;
    on_shard([&] {
        for (int i = 0; i < 2; ++i) others.push_back(test::begin(asking(other_lock)));
        return true;
    });
    for (auto& one : others) {
        const auto answered = one.get();
        EXPECT_TRUE(answered) << answered.error().detail;
    }
    admin("SELECT pg_advisory_unlock(1)");
    for (auto& one : waiting) EXPECT_TRUE(one.get());
}

TEST_F(Stalls, of_many_kinds_that_are_known_leave_a_connection)
{
    open_all(4);
    admin("SELECT pg_advisory_lock(1)");
    for (const statement& kind : kinds) {
        give_up(kind);
        await_rest();
    }
    std::vector<std::future<result<rows>>> waiting;
    for (const statement& kind : kinds) waiting.push_back(shards.start(0, asking(kind)));
    await_stalled(3);
    const auto answered = shards.run(asking(free_of_locks));
    EXPECT_TRUE(answered) << answered.error().detail;
    admin("SELECT pg_advisory_unlock(1)");
    for (auto& one : waiting) EXPECT_TRUE(one.get());
}

TEST_F(Stalls, of_a_read_keep_no_write_from_the_other_of_two_connections)
{
    open_all(2);
    admin("SELECT pg_advisory_lock(1)");
    auto stalls = shards.start(0, asking(one_lock));
    await_stalled(1);
    const auto written = shards.run(asking(change));
    EXPECT_TRUE(written) << written.error().detail;
    admin("SELECT pg_advisory_unlock(1)");
    EXPECT_TRUE(stalls.get());
}

// Two connections, and the one that is reserved for a transaction stalls before it is idle.
TEST_F(Stalls, of_what_is_reserved_keep_no_transaction_from_one_that_is_idle)
{
    constexpr static statement nap{"nap", "SELECT pg_sleep(0.005)", access::reads};
    pool& db = open_all(2);
    const auto inserting = [&db] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            auto made = co_await t.query(change);
            if (!made) co_return fail(std::move(made.error()));
            co_return {};
        });
    };
    admin("SELECT pg_advisory_lock(1)");
    std::vector<std::future<result<rows>>> reads;
    std::future<result<void>> changes;
    // In flights of their own, so that the first connection is known to be slow then.
    for (int i = 0; i < 4; ++i) reads.push_back(shards.start(0, asking(nap)));
    for (auto& one : reads) EXPECT_TRUE(one.get());
    reads.clear();
    on_shard([&] {
        reads.push_back(test::begin(asking(nap)));
        reads.push_back(test::begin(asking(one_lock)));
        changes = test::begin(inserting);
        return true;
    });
    const auto done = changes.get();
    EXPECT_TRUE(done) << done.error().detail;
    admin("SELECT pg_advisory_unlock(1)");
    for (auto& one : reads) EXPECT_TRUE(one.get());
}

} // namespace
} // namespace sluice::postgres

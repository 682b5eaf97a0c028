// Queries that wait, beside a real PostgreSQL: who is next, who is moved, who is cancelled. Run by server.py.
#include "database.hpp"

#include <sluice/coro/stop.hpp>
#include <sluice/postgres/transaction.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;

constexpr statement one{"one", "SELECT pg_advisory_xact_lock(1)", access::reads};
constexpr statement two{"two", "SELECT pg_advisory_xact_lock(2)", access::reads};
constexpr statement other{"other", "SELECT 1", access::reads};

class PoolQueue : public test::Database
{};

TEST_F(PoolQueue, serves_what_waited_for_a_stall_to_end_before_what_came_later)
{
    pool_options patient = options();
    patient.connections_max = 2;
    patient.queries_max = 2;
    patient.connect_timeout = patient.statement_timeout = 60s;
    pool& db = open(patient);
    admin("SELECT pg_advisory_lock(1), pg_advisory_lock(2)");
    std::vector<std::string> order; // the shard's, until all have ended
    std::vector<std::future<bool>> ends;
    const auto ask = [&](const statement& what, const char* name) {
        ends.push_back(shards.start(0, [&db, &order, &what, name]() -> task<bool> {
            const auto answer = co_await db.query(what);
            order.emplace_back(name);
            co_return answer.has_value();
        }));
    };
    for (const char* name : {"one", "one, held"}) ask(one, name);
    for (const char* name : {"two", "two, held"}) ask(two, name);
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND wait_event_type = 'Lock'", "2");
    // Both connections are known to have stalled once what would stand behind the first is held.
    while (on_shard([&] { return db.counters().waiting; }) != 2) std::this_thread::yield();
    ask(other, "later");
    EXPECT_EQ(on_shard([&] { return db.counters().waiting; }), 3u);
    admin("SELECT pg_advisory_unlock(1)");
    for (const std::size_t i : {0U, 1U, 4U}) EXPECT_TRUE(ends[i].get());
    admin("SELECT pg_advisory_unlock(2)");
    for (const std::size_t i : {2U, 3U}) EXPECT_TRUE(ends[i].get());
    EXPECT_EQ(order, (std::vector<std::string>{"one", "one, held", "later", "two", "two, held"}));
}

task<void> answer_to(pool& db, const statement& what, std::promise<bool> answered)
{
    const auto answer = co_await db.query(what);
    answered.set_value(answer.has_value());
}

TEST_F(PoolQueue, moves_a_read_that_stands_behind_a_stall_and_counts_it)
{
    pool_options patient = options();
    patient.connect_timeout = patient.statement_timeout = 60s;
    pool& db = open(patient);
    ASSERT_TRUE(shards.run([&] { return db.ping(); }));
    admin("SELECT pg_advisory_lock(1)");
    std::promise<bool> first, second;
    auto stalling = first.get_future(), behind = second.get_future();
    on_shard([&] { // in one turn: on one connection
        shard::current().background().spawn(answer_to(db, one, std::move(first)));
        shard::current().background().spawn(answer_to(db, other, std::move(second)));
        return true;
    });
    EXPECT_TRUE(behind.get());
    EXPECT_EQ(on_shard([&] { return db.counters().moved; }), 1u);
    admin("SELECT pg_advisory_unlock(1)");
    EXPECT_TRUE(stalling.get());
}

// The metric alone: the pool's counters are brought up to date by asking for them.
void await_shown_waiting(int count)
{
    const std::string line = "\ndb_client_connection_pending_requests{db_client_connection_pool_name=\"postgresql\"} " +
                             std::to_string(count) + "\n";
    for (int i = 0; i < 10'000; ++i) {
        if (prometheus_text().find(line) != std::string::npos) return;
        std::this_thread::sleep_for(1ms);
    }
    ADD_FAILURE() << "not" << line << prometheus_text();
}

TEST_F(PoolQueue, shows_those_that_wait_and_none_that_waits_no_longer)
{
    metric_set numbers;
    pool_options hasty = options();
    hasty.connections_max = 1;
    hasty.connect_timeout = 1s;
    hasty.statement_timeout = 60s;
    hasty.metrics = &numbers;
    pool& db = open(hasty);
    while (on_shard([&] { return db.counters().open; }) == 0) std::this_thread::yield();
    admin("SELECT pg_advisory_lock(1)");
    stop_source stop;
    context stopped{.stop = &stop};
    std::future<result<rows>> stalling, behind;
    on_shard([&] {
        stalling = test::begin([&] { return db.query(one); });
        behind = test::begin([&] { return db.query(one); }, &stopped);
        return true;
    });
    await_shown_waiting(1); // since the stall
    on_shard([&] {
        stop.request();
        return true;
    });
    EXPECT_FALSE(behind.get());
    await_shown_waiting(0);
    EXPECT_FALSE(shards.run([&] { return db.query(one); })); // no connection came in time
    await_shown_waiting(0);
    context hurried;
    hurried.deadline = steady_clock::now() + 20ms;
    const auto empty = [&db] { return transact(db, {}, [](transaction&) -> task<result<void>> { co_return {}; }); };
    EXPECT_FALSE(shards.start(0, empty, &hurried).get());
    await_shown_waiting(0);
    admin("SELECT pg_advisory_unlock(1)");
    EXPECT_TRUE(stalling.get());
}

TEST_F(PoolQueue, runs_again_what_the_second_signal_of_a_cancellation_meets)
{
    pool_options patient = options();
    patient.connections_max = 1;
    patient.connect_timeout = patient.statement_timeout = 60s;
    pool& db = open(patient);
    ASSERT_TRUE(shards.run([&] { return db.ping(); }));
    const std::string ours = test::back_ends;
    const auto failures = [&] {
        std::uint64_t cancelled = 0;
        for (const auto& each : db.counters().errors)
            if (std::string_view(each.name.data(), each.name.size()).starts_with("57")) cancelled += each.count;
        return cancelled;
    };
    bool ran_again = false;
    // A busy machine may need more time between the two than a cancellation counts: then once more.
    for (int round = 0; round < 10 && !ran_again; ++round) {
        admin("SELECT pg_advisory_lock(1)");
        context hurried;
        hurried.deadline = steady_clock::now() + 20ms;
        EXPECT_FALSE(shards.start(0, [&] { return db.query(one); }, &hurried).get());
        while (on_shard([&] { return db.counters().busy; }) > 0) std::this_thread::yield();
        const std::uint64_t before = on_shard(failures);
        auto met = shards.start(0, [&] { return db.query(one); });
        admin.await("SELECT count(*) " + ours + " AND wait_event_type = 'Lock'", "1");
        admin("SELECT pg_cancel_backend(pid) " + ours);
        while (on_shard(failures) <= before) std::this_thread::yield();
        admin("SELECT pg_advisory_unlock(1)");
        ran_again = met.get().has_value();
    }
    EXPECT_TRUE(ran_again);
}

} // namespace
} // namespace sluice::postgres

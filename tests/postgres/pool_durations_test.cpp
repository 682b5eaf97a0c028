// How long connecting, waiting for a connection and holding one took, as a pool beside a real PostgreSQL shows it. Run
// by server.py.
#include "database.hpp"

#include <sluice/postgres/transaction.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <thread>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::echo;

struct durations
{
    std::uint64_t count;
    double seconds; // their sum
};

durations shown(std::string_view what)
{
    const std::string text = prometheus_text();
    const auto number = [&](std::string_view part) {
        const std::string line = "\ndb_client_connection_" + std::string(what) + "_seconds" + std::string(part) +
                                 "{db_client_connection_pool_name=\"postgresql\"} ";
        const std::size_t at = text.find(line);
        EXPECT_NE(at, std::string::npos) << line << text;
        return at == std::string::npos ? -1.0 : std::stod(text.substr(at + line.size()));
    };
    return {.count = static_cast<std::uint64_t>(number("_count")), .seconds = number("_sum")};
}

class PoolDurations : public test::Database
{
protected:
    pool& open_one()
    {
        pool_options one = options();
        one.connections_max = 1;
        one.connect_timeout = one.statement_timeout = 60s;
        one.metrics = &numbers_;
        pool& db = open(one);
        while (on_shard([&] { return db.counters().open; }) == 0) std::this_thread::yield();
        return db;
    }
    void await_waiting(pool& db)
    {
        while (on_shard([&] { return db.counters().waiting; }) == 0) std::this_thread::yield();
    }
    // A transaction that lasts until `may_end_`.
    std::future<result<void>> hold(pool& db)
    {
        return shards.start(0, [this, &db] {
            return transact(db, {}, [this](transaction& t) -> task<result<void>> {
                auto answered = co_await t.query(echo, std::int64_t{1}, std::string_view("x"));
                holds_ = true;
                while (!may_end_) (void)co_await sleep_for(1ms);
                if (!answered) co_return fail(answered.error());
                co_return {};
            });
        });
    }

    std::atomic<bool> holds_ = false;
    std::atomic<bool> may_end_ = false;

private:
    metric_set numbers_;
};

TEST_F(PoolDurations, have_one_record_a_connection_that_was_made_and_none_of_queries_that_found_it)
{
    pool& db = open_one();
    ASSERT_TRUE(shards.run([&] { return db.ping(); }));
    EXPECT_EQ(shown("create_time").count, 1u);
    EXPECT_GT(shown("create_time").seconds, 0);
    EXPECT_EQ(shown("wait_time").count, 0u);
    EXPECT_EQ(shown("use_time").count, 0u);
}

TEST_F(PoolDurations, have_the_wait_of_a_transaction_and_how_long_each_held_its_connection)
{
    pool& db = open_one();
    auto first = hold(db);
    while (!holds_) std::this_thread::yield();
    const durations before = shown("wait_time");
    auto second = hold(db);
    await_waiting(db);
    const time_point began = steady_clock::now();
    EXPECT_EQ(shown("use_time").count, 0u);
    EXPECT_EQ(shown("wait_time").count, before.count);
    std::this_thread::sleep_for(10ms);
    const double at_least = std::chrono::duration<double>(steady_clock::now() - began).count();
    may_end_ = true;
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_EQ(shown("wait_time").count, before.count + 1);
    EXPECT_GE(shown("wait_time").seconds - before.seconds, at_least);
    EXPECT_EQ(shown("use_time").count, 2u);
    EXPECT_GE(shown("use_time").seconds, at_least);
}

TEST_F(PoolDurations, have_the_use_of_a_transaction_whose_connection_was_lost)
{
    pool& db = open_one();
    auto holder = hold(db);
    while (!holds_) std::this_thread::yield();
    admin(std::string("SELECT pg_terminate_backend(pid) ") + test::back_ends);
    while (on_shard([&] { return db.counters().losses; }) == 0) std::this_thread::yield();
    EXPECT_EQ(shown("use_time").count, 1u);
    may_end_ = true;
    EXPECT_FALSE(holder.get());
    EXPECT_EQ(shown("use_time").count, 1u);
}

TEST_F(PoolDurations, have_the_wait_of_a_query_and_no_use)
{
    static constexpr statement locked{"locked", "SELECT pg_advisory_xact_lock(1)", access::reads};
    pool& db = open_one();
    admin("SELECT pg_advisory_lock(1)");
    const auto ask = [&db] { return db.query(locked); };
    auto first = shards.start(0, ask);
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND wait_event_type = 'Lock'", "1");
    const std::uint64_t before = shown("wait_time").count;
    auto second = shards.start(0, ask);
    await_waiting(db);
    EXPECT_EQ(shown("wait_time").count, before);
    admin("SELECT pg_advisory_unlock(1)");
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_EQ(shown("wait_time").count, before + 1);
    EXPECT_EQ(shown("use_time").count, 0u);
}

} // namespace
} // namespace sluice::postgres

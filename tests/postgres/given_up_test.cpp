// Queries, transactions and streams that are given up at any moment, on one to three connections: whoever waits longer
// is served, and the pool is whole afterwards. Run by server.py.
#include "database.hpp"

#include <sluice/coro/stop.hpp>
#include <sluice/postgres/stream.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;

constexpr statement reads_a_while{"reads_a_while", "SELECT pg_sleep($1)", access::reads};
constexpr statement writes_a_while{"writes_a_while", "INSERT INTO numbers SELECT 1 FROM pg_sleep($1)"};
constexpr statement streams_a_while{"", "SELECT n, pg_sleep($1) FROM generate_series(1, 3) AS n", access::reads};

enum class asked : std::uint8_t
{
    nothing_much,
    read,
    write,
    transaction,
    rest_in_transaction,
    stream,
};
constexpr unsigned kinds = 6;

task<result<void>> without_rows(task<result<rows>>&& query)
{
    auto answered = co_await std::move(query);
    if (!answered) co_return fail(std::move(answered.error()));
    co_return {};
}

task<result<void>> ask_for(pool& db, asked what, duration lasts)
{
    const double seconds = std::chrono::duration<double>(lasts).count();
    switch (what) {
    case asked::nothing_much:
        co_return co_await db.ping();
    case asked::read:
        co_return co_await without_rows(db.query(reads_a_while, seconds));
    case asked::write:
        co_return co_await without_rows(db.query(writes_a_while, seconds));
    case asked::stream:
        co_return co_await stream(db, streams_a_while, parameters::of(seconds), {.rows_a_piece = 1},
                                  [](const rows&) -> task<result<void>> { co_return {}; });
    default:
        break;
    }
    // Repeatable, because a cancellation may signal twice, and the second one meet it.
    co_return co_await transact(db, {.repeatable = true}, [&](transaction& t) -> task<result<void>> {
        if (what == asked::rest_in_transaction) {
            auto rested = co_await sleep_for(lasts);
            if (!rested) co_return rested;
        }
        auto written = co_await without_rows(t.query(writes_a_while, 0.0));
        if (!written) co_return written;
        co_return co_await without_rows(t.query(reads_a_while, seconds));
    });
}

task<result<void>> stop_after(stop_source& stop, duration time)
{
    auto waited = co_await sleep_for(time);
    stop.request();
    co_return waited;
}

class GivenUp : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice");
    }
    pool& open_for(unsigned connections)
    {
        pool_options few = options();
        few.connections_max = connections;
        few.connect_timeout = 30s; // or somebody was forgotten
        few.statement_timeout = 60s;
        few.idle_timeout = 50ms;
        return open(few);
    }
    unsigned below(unsigned bound) { return static_cast<unsigned>(random_()) % bound; }
    duration up_to(duration most) { return most / 100 * below(100); }
    std::future<result<void>> start(pool& db, asked what, context* during)
    {
        const duration lasts = up_to(30ms);
        return shards.start(0, [&db, what, lasts] { return ask_for(db, what, lasts); }, during);
    }

    // Some that ask at once, two thirds of which wait a little only.
    void ask_and_give_up(pool& db)
    {
        const unsigned count = 1 + below(14);
        std::deque<stop_source> stops(count);
        std::deque<context> requests(count);
        std::vector<std::future<result<void>>> hurried, patient;
        for (unsigned i = 0; i < count; ++i) {
            const unsigned why = below(3);
            const duration waits = up_to(40ms);
            const auto what = static_cast<asked>(below(kinds));
            requests[i].stop = &stops[i];
            if (why == 0) requests[i].deadline = steady_clock::now() + waits;
            // A stream does not run again where a cancellation's second signal meets it.
            const bool may_fail = why < 2 || what == asked::stream;
            (may_fail ? hurried : patient).push_back(start(db, what, &requests[i]));
            if (why == 1)
                hurried.push_back(shards.start(0, [&stop = stops[i], waits] { return stop_after(stop, waits); }));
        }
        for (auto& one : hurried) (void)one.get();
        for (auto& one : patient) expect_good(one.get());
    }
    static void expect_good(const result<void>& ended) { EXPECT_TRUE(ended) << ended.error().detail; }

    std::mt19937 random_{1};
};

TEST_F(GivenUp, at_any_moment_they_leave_a_pool_that_serves)
{
    const std::array<pool*, 3> pools = {&open_for(1), &open_for(2), &open_for(3)};
    const time_point enough = steady_clock::now() + 4s; // on a slow machine for fewer rounds
    for (unsigned round = 0; round < 40 && steady_clock::now() < enough && !HasFailure(); ++round) {
        pool& db = *pools[round % pools.size()];
        SCOPED_TRACE("round " + std::to_string(round));
        ask_and_give_up(db);
        for (const asked what : {asked::nothing_much, asked::read, asked::write, asked::transaction})
            if (!HasFailure()) expect_good(start(db, what, nullptr).get());
    }
    for (pool* db : pools) {
        while (on_shard([&] { return db->counters().busy; }) > 0) std::this_thread::yield();
        EXPECT_EQ(on_shard([&] { return db->counters().waiting; }), 0u);
        EXPECT_EQ(on_shard([&] { return db->counters().losses; }), 0u);
    }
}

} // namespace
} // namespace sluice::postgres

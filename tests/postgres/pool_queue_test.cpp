// Queries that wait for a connection of the pool, beside a real PostgreSQL: who is next. Run by server.py.
#include "database.hpp"

#include <chrono>
#include <cstddef>
#include <future>
#include <string>
#include <thread>
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

} // namespace
} // namespace sluice::postgres

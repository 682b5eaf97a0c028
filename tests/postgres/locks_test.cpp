// Statements that wait for somebody's lock, and those beside them, which must not. Run by server.py.
#include "database.hpp"

#include <sluice/postgres/transaction.hpp>

#include <chrono>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::echo;
using test::insert_returning;

class Locks : public test::Database
{
protected:
    // So patient that whoever waits in vain makes the test wait.
    pool& open(unsigned connections)
    {
        pool_options patient = options();
        patient.connections_max = connections;
        patient.connect_timeout = patient.statement_timeout = 60s;
        return Database::open(patient);
    }
};

constexpr statement count{"count", "SELECT count(*) FROM numbers", access::reads};
constexpr statement update{"update", "UPDATE numbers SET n = 0 WHERE n < 0"};

TEST_F(Locks, let_reads_of_something_else_pass)
{
    admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice");
    pool& db = open(4);
    ASSERT_TRUE(shards.run([&] { return db.query(count); }));
    test::session locker;
    locker("BEGIN; LOCK TABLE numbers");
    std::vector<std::future<result<rows>>> locked;
    for (int i = 0; i < 30; ++i) locked.push_back(shards.start(0, [&] { return db.query(count); }));
    for (int round = 0; round < 5; ++round)
        for (const auto& answer :
             all(50, [&db](std::size_t n) { return db.query(echo, std::int64_t(n), std::string("x")); }))
            EXPECT_TRUE(answer) << answer.error().detail;
    locker("COMMIT");
    for (auto& one : locked) {
        const auto answer = one.get();
        EXPECT_TRUE(answer) << answer.error().detail;
    }
}

// However many it has from two on: writes of several kinds and transactions, all of one moment, that wait for one lock.
TEST_F(Locks, leave_a_connection_to_the_reads_when_more_writes_than_connections_meet_one)
{
    admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice");
    for (const unsigned most : {2U, 3U, 4U, 8U}) {
        pool& db = open(most);
        ASSERT_TRUE(shards.run([&] { return db.ping(); }));
        for (int round = 0; round < 3; ++round) {
            test::session locker;
            locker("BEGIN; LOCK TABLE numbers IN EXCLUSIVE MODE");
            std::vector<std::future<result<rows>>> locked;
            for (int i = 0; i < 40; ++i) {
                locked.push_back(shards.start(0, [&] { return db.query(insert_returning, std::int64_t{1}); }));
                locked.push_back(shards.start(0, [&] { return db.query(update); }));
                locked.push_back(shards.start(0, [&]() -> task<result<rows>> {
                    co_return co_await transact(
                        db, {}, [](transaction& t) { return t.query(insert_returning, std::int64_t{2}); });
                }));
            }
            for (int i = 0; i < 50; ++i) {
                const auto answer = shards.run([&] { return db.query(count); });
                EXPECT_TRUE(answer) << most << " connections: " << answer.error().detail;
            }
            locker("COMMIT");
            for (auto& one : locked) {
                const auto answer = one.get();
                EXPECT_TRUE(answer) << answer.error().detail;
            }
            // The first round met one connection, the others meet all.
            while (on_shard([&] { return db.counters().open; }) < most)
                for (const auto& made :
                     all(40, [&db](std::size_t) { return db.query(insert_returning, std::int64_t{3}); }))
                    EXPECT_TRUE(made);
        }
    }
}

} // namespace
} // namespace sluice::postgres

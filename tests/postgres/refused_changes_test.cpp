// Servers that take no changes any more, and others that do: what becomes of a statement that was refused for that. A
// trigger refuses those sessions that are written down in a table. Run by server.py.
#include "database.hpp"

#include <sluice/postgres/transaction.hpp>

#include <cstdint>
#include <future>
#include <string>
#include <string_view>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::echo;
using test::insert;

class RefusedChanges : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        admin("CREATE TABLE numbers (n int8); CREATE TABLE demoted (pid int4); "
              "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
              "IF EXISTS (SELECT FROM demoted WHERE pid IN (0, pg_backend_pid()) AND NEW.n > 0) THEN "
              "RAISE EXCEPTION 'no changes' USING ERRCODE = 'read_only_sql_transaction'; END IF; RETURN NEW; END$$; "
              "CREATE TRIGGER refuse BEFORE INSERT ON numbers FOR EACH ROW EXECUTE FUNCTION refuse(); "
              "GRANT ALL ON numbers, demoted TO sluice");
    }
    pool& open_for(const std::string& wanted, unsigned most = 4)
    {
        pool_options with = options();
        with.url += wanted;
        with.connections_max = most;
        pool& db = open(with);
        EXPECT_TRUE(shards.run([&] { return db.ping(); }));
        return db;
    }
    void demote() { admin(std::string("INSERT INTO demoted SELECT pid ") + test::back_ends); }
    void demote_all_that_come() { admin("INSERT INTO demoted VALUES (0)"); }
    void await_that_the_demoted_are_left()
    {
        admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND pid IN (SELECT pid FROM demoted)", "0");
    }
    std::string stored() { return admin("SELECT coalesce(string_agg(n::text, ',' ORDER BY n), '') FROM numbers"); }

    // Inserts 0, which nobody refuses, and 1, or the 1 alone.
    auto insert_in_transaction(pool& db, transaction_options how, bool zero)
    {
        return shards.run([&db, how, zero] {
            return transact(db, how, [zero](transaction& t) -> task<result<void>> {
                for (std::int64_t n = zero ? 0 : 1; n < 2; ++n) {
                    auto made = co_await t.query(insert, n);
                    if (!made) co_return fail(made.error());
                }
                co_return {};
            });
        });
    }
};

task<result<void>> insert_two(pool& db)
{
    return transact(db, {}, [](transaction& t) -> task<result<void>> {
        auto made = co_await t.query(insert, std::int64_t{2});
        if (!made) co_return fail(made.error());
        co_return {};
    });
}

constexpr const char* read_write = "?target_session_attrs=read-write";

TEST_F(RefusedChanges, run_where_they_are_taken_and_hurt_nobody_beside_them)
{
    static constexpr statement slowly{"slowly", "INSERT INTO numbers SELECT $1::int8 FROM pg_sleep(0.1)"};
    for (const char* wanted : {read_write, "?target_session_attrs=primary"}) {
        for (const unsigned most : {1U, 4U}) {
            admin("TRUNCATE numbers, demoted");
            pool& db = open_for(wanted, most);
            for (const auto& made : all(most, [&db](std::size_t) { return db.query(slowly, std::int64_t{0}); }))
                EXPECT_TRUE(made);
            demote();
            const auto made = all(40, [&db](std::size_t i) {
                const auto n = static_cast<std::int64_t>(i + 1);
                return i % 2 == 0 ? db.query(insert, n) : db.query(echo, n, std::string_view("x"));
            });
            for (const auto& one : made) EXPECT_TRUE(one) << one.error().detail;
            EXPECT_EQ(admin("SELECT count(*) || ' ' || count(DISTINCT n) FROM numbers WHERE n > 0"), "20 20");
            EXPECT_EQ(on_shard([&] { return db.counters().losses; }), 0u);
        }
    }
}

TEST_F(RefusedChanges, leave_no_transaction_committed_that_could_not_begin_anew)
{
    pool_options with = options();
    with.url += read_write;
    with.connections_max = 1;
    with.connect_timeout = 300ms;
    pool& db = open(with);
    ASSERT_TRUE(shards.run([&] { return db.ping(); }));
    demote();
    admin("ALTER ROLE sluice NOLOGIN");
    const auto done = shards.run([&db] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            EXPECT_FALSE(co_await t.query(insert, std::int64_t{1}));
            co_return {}; // as if nothing had happened
        });
    });
    admin("ALTER ROLE sluice LOGIN");
    EXPECT_FALSE(done);
    EXPECT_EQ(stored(), "");
}

TEST_F(RefusedChanges, are_refused_where_no_server_takes_them)
{
    pool& db = open_for(read_write);
    demote_all_that_come();
    for (const auto& one : all(20, [&db](std::size_t) { return db.query(insert, std::int64_t{1}); })) {
        ASSERT_FALSE(one);
        EXPECT_EQ(one.error().code, errc::unavailable);
        EXPECT_NE(one.error().retry_after, decltype(one.error().retry_after)());
    }
    EXPECT_EQ(insert_in_transaction(db, {.repeatable = true}, true).error().code, errc::unavailable);
    EXPECT_EQ(stored(), "");
}

TEST_F(RefusedChanges, are_not_taken_elsewhere_where_any_server_will_do)
{
    pool& db = open_for("");
    demote();
    EXPECT_EQ(shards.run([&] { return db.query(insert, std::int64_t{1}); }).error().code, errc::unavailable);
    EXPECT_EQ(stored(), "");
}

TEST_F(RefusedChanges, cost_no_connection_each_where_the_only_server_takes_none)
{
    pool& db = open_for("");
    demote_all_that_come();
    for (int i = 0; i < 200; ++i)
        EXPECT_EQ(shards.run([&] { return db.query(insert, std::int64_t{1}); }).error().code, errc::unavailable);
    EXPECT_LT(on_shard([&] { return db.counters().connects; }), 20u);
}

TEST_F(RefusedChanges, cost_no_connection_however_old_where_they_were_no_changes)
{
    static constexpr statement tell{.name = "tell", .sql = "INSERT INTO numbers VALUES ($1)", .is_change = false};
    pool& db = open_for("", 1);
    demote_all_that_come();
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND backend_start > now() - interval '6 s'", "0");
    const auto refuses = [&] { return on_shard([&] { return bool(db.counters().refuses_changes); }); };
    EXPECT_EQ(shards.run([&] { return db.query(tell, std::int64_t{1}); }).error().code, errc::unavailable);
    EXPECT_TRUE(refuses());
    EXPECT_TRUE(shards.run([&] { return db.query(tell, std::int64_t{0}); }));
    EXPECT_FALSE(refuses()) << "it was what had been refused";
    EXPECT_EQ(on_shard([&] { return db.counters().connects; }), 1u);
    EXPECT_EQ(shards.run([&] { return db.query(insert, std::int64_t{1}); }).error().code, errc::unavailable);
    EXPECT_TRUE(shards.run([&] { return db.query(tell, std::int64_t{0}); }));
    EXPECT_TRUE(refuses()) << "a change was";
    EXPECT_TRUE(shards.run([&] { return db.query(insert, std::int64_t{0}); }));
    EXPECT_FALSE(refuses());
}

TEST_F(RefusedChanges, begin_a_transaction_anew)
{
    pool& db = open_for(read_write);
    demote();
    EXPECT_TRUE(insert_in_transaction(db, {}, false));
    EXPECT_EQ(stored(), "1");
    await_that_the_demoted_are_left();
}

TEST_F(RefusedChanges, fail_a_transaction_that_has_done_something_unless_it_is_repeatable)
{
    pool& db = open_for(read_write);
    demote();
    EXPECT_EQ(insert_in_transaction(db, {}, true).error().code, errc::unavailable);
    EXPECT_EQ(stored(), "");
    await_that_the_demoted_are_left();
    EXPECT_TRUE(shards.run([&] { return db.ping(); })); // there is a connection again
    demote();
    EXPECT_TRUE(insert_in_transaction(db, {.repeatable = true}, true));
    EXPECT_EQ(stored(), "0,1");
}

// The connection is reserved for it while the write before it is refused there.
TEST_F(RefusedChanges, give_no_transaction_the_connection_that_is_being_left)
{
    static constexpr statement held{"held", "INSERT INTO numbers SELECT 0 FROM pg_advisory_xact_lock(1)"};
    pool_options patient = options();
    patient.url += read_write;
    patient.connections_max = 1;
    patient.connect_timeout = patient.statement_timeout = 60s;
    pool& db = open(patient);
    ASSERT_TRUE(shards.run([&] { return db.ping(); }));
    admin("SELECT pg_advisory_lock(1)");
    std::future<result<rows>> first, second;
    std::future<result<void>> together;
    on_shard([&] { // in one turn: before it is known that the first runs long
        first = test::begin([&] { return db.query(held); });
        second = test::begin([&] { return db.query(insert, std::int64_t{1}); });
        together = test::begin([&] { return insert_two(db); });
        return true;
    });
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND wait_event_type = 'Lock'", "1");
    demote();
    admin("SELECT pg_advisory_unlock(1)");
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_TRUE(together.get());
    EXPECT_EQ(stored(), "0,1,2");
}

// As for a planned change of servers: what it took then would be missing on the other one.
TEST_F(RefusedChanges, are_those_of_transactions_too_where_sessions_only_read_by_default)
{
    static constexpr statement only_read{"", "SET default_transaction_read_only = on", access::reads};
    pool& db = open_for("", 1);
    const auto refuses = [&] { return on_shard([&] { return bool(db.counters().refuses_changes); }); };
    ASSERT_TRUE(shards.run([&] { return db.query(only_read); }));
    EXPECT_EQ(insert_in_transaction(db, {}, false).error().code, errc::unavailable);
    EXPECT_TRUE(refuses());
    const auto read = shards.run([&] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            EXPECT_TRUE(co_await t.query(echo, std::int64_t{1}, std::string_view("x")));
            EXPECT_TRUE(co_await t.savepoint("here"));
            co_return {};
        });
    });
    EXPECT_TRUE(read);
    EXPECT_TRUE(refuses()); // it made no change
    EXPECT_EQ(stored(), "");
}

TEST_F(RefusedChanges, of_a_transaction_that_only_reads_are_its_own_fault)
{
    pool& db = open_for(read_write);
    EXPECT_EQ(insert_in_transaction(db, {.read_only = true}, false).error().code, errc::unavailable);
    EXPECT_EQ(on_shard([&] { return db.counters().connects; }), 1u);
}

} // namespace
} // namespace sluice::postgres

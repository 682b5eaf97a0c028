// What needs one server session for several statements, behind PgBouncer in transaction mode: with more clients than
// sessions, whose statements would meet in the wrong ones. Run by bouncer.py.
#include "database.hpp"

#include <sluice/postgres/stream.hpp>
#include <sluice/postgres/transaction.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::insert;

constexpr std::size_t clients = 6; // of two sessions

class Pooled : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        admin("CREATE TABLE numbers (n int8 PRIMARY KEY); GRANT ALL ON numbers TO sluice");
    }
    // Transactions may have all connections but one.
    pool& open_pooled()
    {
        pool_options pooled = options();
        pooled.transaction_pooler = true;
        pooled.connections_max = clients + 1;
        pooled.connect_timeout = pooled.statement_timeout = 30s;
        return open(pooled);
    }
    void expect_few_sessions() { EXPECT_LE(std::stoi(admin("SELECT count(*) " + from_pooler)), 2); }

    const std::string from_pooler = "FROM pg_stat_activity WHERE usename = 'sluice'";
};

TEST_F(Pooled, streams_give_every_row_once_and_in_order_beside_each_other)
{
    static constexpr statement series{
        "", "SELECT $1::int4, n, repeat('x', 1000) FROM generate_series(1, $2::int4) AS n", access::reads};
    static constexpr std::int32_t count = 5000;
    pool& db = open_pooled();
    const auto streamed = all(clients, [&db](std::size_t i) -> task<result<std::int32_t>> {
        const auto mine = static_cast<std::int32_t>(i);
        std::int32_t last = 0;
        auto ended = co_await stream(db, series, parameters::of(mine, count), {.rows_a_piece = 300},
                                     [&](const rows& piece) -> task<result<void>> {
                                         EXPECT_LE(piece.size(), 300u);
                                         for (const row one : piece) {
                                             EXPECT_EQ(one.get<std::int32_t>(0), mine);
                                             EXPECT_EQ(one.get<std::int32_t>(1), last + 1);
                                             last = one.get<std::int32_t>(1);
                                         }
                                         co_return co_await sleep_for(1ms); // so that the others come in between
                                     });
        if (!ended) co_return fail(std::move(ended.error()));
        co_return last;
    });
    for (const auto& last : streamed) {
        ASSERT_TRUE(last) << last.error().detail;
        EXPECT_EQ(*last, count);
    }
    expect_few_sessions();
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
}

TEST_F(Pooled, stream_that_its_reader_ends_leaves_no_session_in_its_transaction)
{
    static constexpr statement series{"", "SELECT generate_series(1, 10000)", access::reads};
    pool& db = open_pooled();
    for (const auto& ended : all(clients, [&db](std::size_t) {
             return stream(db, series, {}, {.rows_a_piece = 10},
                           [](const rows&) -> task<result<void>> { co_return fail(errc::cancelled); });
         }))
        EXPECT_EQ(ended.error().code, errc::cancelled);
    EXPECT_EQ(admin("SELECT count(*) " + from_pooler + " AND state LIKE 'idle in transaction%'"), "0");
    EXPECT_EQ(on_shard([&] { return db.counters().losses; }), 0u);
}

TEST_F(Pooled, savepoints_undo_the_inner_part_and_the_outer_commits)
{
    pool& db = open_pooled();
    const auto made = all(clients, [&db](std::size_t i) {
        const auto mine = static_cast<std::int64_t>(i) * 10;
        return transact(db, {}, [mine](transaction& t) -> task<result<void>> {
            auto outer = co_await t.query(insert, mine);
            auto saved = co_await t.savepoint("inner");
            auto inner = co_await t.query(insert, mine + 1);
            auto waited = co_await sleep_for(2ms); // so that the others come in between
            auto doubled = co_await t.query(insert, mine);
            EXPECT_TRUE(outer && saved && inner && waited);
            EXPECT_EQ(doubled.error().code, errc::conflict);
            auto back = co_await t.rollback_to("inner");
            auto again = co_await t.query(insert, mine + 2);
            auto released = co_await t.release("inner");
            EXPECT_TRUE(back && again && released);
            co_return {};
        });
    });
    for (const auto& one : made) EXPECT_TRUE(one) << one.error().detail;
    EXPECT_EQ(admin("SELECT string_agg(n::text, ',' ORDER BY n) FROM numbers"), "0,2,10,12,20,22,30,32,40,42,50,52");
    expect_few_sessions();
}

TEST_F(Pooled, transaction_that_rolls_back_takes_its_savepoints_with_it)
{
    pool& db = open_pooled();
    const auto undone = all(clients, [&db](std::size_t i) {
        return transact(db, {}, [i](transaction& t) -> task<result<void>> {
            auto saved = co_await t.savepoint("inner");
            auto inner = co_await t.query(insert, static_cast<std::int64_t>(i));
            auto released = co_await t.release("inner");
            EXPECT_TRUE(saved && inner && released);
            co_return fail(errc::conflict);
        });
    });
    for (const auto& one : undone) EXPECT_EQ(one.error().code, errc::conflict);
    EXPECT_EQ(admin("SELECT count(*) FROM numbers"), "0");
}

TEST_F(Pooled, writes_are_durable_whatever_the_settings_of_their_sessions_have_become)
{
    static constexpr statement insert_and_tell{
        "", "INSERT INTO numbers VALUES ($1) RETURNING current_setting('synchronous_commit')"};
    static constexpr statement tell{"", "SELECT current_setting('synchronous_commit')", access::reads};
    pool& db = open_pooled();
    const auto all_told = [&](const statement& what, std::int64_t from) {
        return all(clients, [&db, &what, from](std::size_t i) -> task<std::string> {
            const std::int64_t n = from + static_cast<std::int64_t>(i);
            auto made = &what == &tell ? co_await db.query(what) : co_await db.query(what, n);
            co_return made ? (*made)[0].get<std::string>(0) : made.error().detail;
        });
    };
    for (const auto& told : all_told(insert_and_tell, 0)) EXPECT_EQ(told, "on");
    admin("ALTER SYSTEM SET synchronous_commit = off");
    admin("SELECT pg_reload_conf()");
    for (bool everywhere = false; !everywhere;) {
        const auto told = all_told(tell, 0);
        everywhere = std::ranges::count(told, "off") == clients;
    }
    for (const auto& told : all_told(insert_and_tell, 10)) EXPECT_EQ(told, "on");
    const auto together = all(clients, [&db](std::size_t i) {
        return transact(db, {.level = isolation::serializable, .repeatable = true},
                        [i](transaction& t) -> task<result<std::string>> {
                            auto first = co_await t.query(tell);
                            auto made = co_await t.query(insert, static_cast<std::int64_t>(i) + 20);
                            auto last = co_await t.query(tell);
                            if (!first || !made || !last) co_return fail(errc::unavailable);
                            co_return (*first)[0].get<std::string>(0) + (*last)[0].get<std::string>(0);
                        });
    });
    for (const auto& told : together) EXPECT_EQ(told.value_or("failed"), "onon");
    for (const auto& told : all_told(tell, 0)) EXPECT_EQ(told, "off") << "other clients' sessions stay as they were";
    admin("ALTER SYSTEM RESET synchronous_commit");
    admin("SELECT pg_reload_conf()");
}

TEST_F(Pooled, writes_that_no_standby_has_are_not_called_done)
{
    pool& db = open_pooled();
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
    admin("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    admin("SELECT pg_reload_conf()");
    admin.await("SHOW synchronous_standby_names", "nobody");
    for (int i = 0; i < 2; ++i) admin("CHECKPOINT"); // before its second, the checkpointer knows
    auto made = shards.start(0, [&] { return db.query(insert, std::int64_t{1}); });
    const std::string waiting = from_pooler + " AND wait_event = 'SyncRep'";
    admin.await("SELECT count(*) " + waiting, "1");
    admin("SELECT pg_cancel_backend(pid) " + waiting);
    EXPECT_EQ(made.get().error().code, errc::outcome_unknown);
    admin("ALTER SYSTEM RESET synchronous_standby_names");
    admin("SELECT pg_reload_conf()");
}

} // namespace
} // namespace sluice::postgres

// How what nobody waits for any more is cancelled: by a statement on another connection, and by the protocol where
// there is none or that does not help. Run by server.py.
#include "database.hpp"
#include "postgres/connection.hpp"

#include <sluice/coro/stop.hpp>
#include <sluice/shard/wait.hpp>

#include <chrono>
#include <libpq-fe.h>
#include <string>
#include <thread>
#include <utility>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;

constexpr statement waits{"waits", "SELECT pg_advisory_xact_lock(1)", access::reads};
const std::string waiting_for_locks =
    std::string("SELECT count(*) ") + test::back_ends + " AND wait_event_type = 'Lock'";

// Says that it cancels, and does not.
struct boaster final : connection_owner
{
    void returned(query_run& q, pipeline::verdict) override { q.end(rows()); }
    void failed(std::string_view) override {}
    void has_room(connection& c) override
    {
        if (c.idle()) at_rest.complete();
    }
    void stalled(connection&) override {}
    void moves_again(const statement*) override {}
    void ran_alone(const statement&) override {}
    void moved() override {}
    void takes_changes(bool, bool) override {}
    bool cancel(const back_end&) override
    {
        ++asked;
        return true;
    }
    void cancelled(connection&) override {}
    void ended(connection&, std::string) override { at_rest.complete(); }

    unsigned asked = 0;
    wait at_rest;
};

using Cancelling = test::Database;

TEST_F(Cancelling, is_a_statement_on_another_connection)
{
    pool_options patient = options();
    patient.connect_timeout = patient.statement_timeout = 60s;
    pool& db = open(patient);
    admin("SELECT pg_advisory_lock(1)");
    stop_source stop;
    context stopped{.stop = &stop};
    auto given_up = shards.start(0, [&db] { return db.query(waits); }, &stopped);
    while (on_shard([&] { return db.counters().stalled; }) < 1) std::this_thread::yield();
    EXPECT_TRUE(shards.run([&db] { return db.ping(); })); // on another
    on_shard([&] {
        stop.request();
        return true;
    });
    EXPECT_FALSE(given_up.get());
    admin.await(waiting_for_locks, "0");
    EXPECT_EQ(admin(std::string("SELECT count(*) ") + test::back_ends + " AND query LIKE 'SELECT pg_cancel_backend(%'"),
              "1");
    admin("SELECT pg_advisory_unlock(1)");
}

TEST_F(Cancelling, names_the_process_and_its_server)
{
    auto made = connect_pipelined({.url = options().url, .timeout = 60s}, true);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(made->served_by.process, PQbackendPID(made->handle.get()));
    EXPECT_EQ(admin(std::string("SELECT ") + server_began), std::to_string(made->served_by.server_began));
}

TEST_F(Cancelling, is_none_of_a_role_that_may_not_nor_where_the_server_does_not_tell)
{
    const auto process = [this] {
        auto made = connect_pipelined({.url = options().url, .timeout = 60s}, true);
        EXPECT_TRUE(made) << made.error().detail;
        return made ? made->served_by.process : -1;
    };
    admin("CREATE ROLE another; GRANT another TO sluice; ALTER ROLE sluice SET role = 'another'");
    EXPECT_EQ(process(), 0);
    admin("ALTER ROLE sluice RESET role; DROP ROLE another");
    admin("REVOKE EXECUTE ON FUNCTION pg_postmaster_start_time() FROM PUBLIC");
    EXPECT_EQ(process(), 0);
    admin("GRANT EXECUTE ON FUNCTION pg_postmaster_start_time() TO PUBLIC");
    EXPECT_NE(process(), 0);
}

TEST_F(Cancelling, goes_by_the_protocol_where_the_statement_does_not_help)
{
    auto made = connect_pipelined({.url = options().url, .timeout = 60s}, true);
    ASSERT_TRUE(made) << made.error().detail;
    admin("SELECT pg_advisory_lock(1)");
    const unsigned asked = shards.run([this, &made]() -> task<unsigned> {
        boaster owner;
        connection c(shard::current(), std::move(made->handle), owner,
                     {.served_by = made->served_by, .stalled_after = 1ms, .age_max = 1h, .given_up_after = 1h});
        const parameters none;
        query_run q(waits, none);
        c.submit(q);
        while (admin(waiting_for_locks) != "1") EXPECT_TRUE(co_await sleep_for(1ms));
        EXPECT_TRUE(c.leave(q));
        EXPECT_EQ(co_await owner.at_rest.until(), wait_end::completed);
        c.give_up({});
        while (!c.at_rest()) EXPECT_TRUE(co_await sleep_for(1ms));
        co_return owner.asked;
    });
    EXPECT_EQ(asked, 1U);
    admin("SELECT pg_advisory_unlock(1)");
}

} // namespace
} // namespace sluice::postgres

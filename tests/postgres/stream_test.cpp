// Large results piece by piece, from a real PostgreSQL. Run by server.py.
#include "database.hpp"

#include <sluice/coro/stop.hpp>
#include <sluice/postgres/stream.hpp>

#include <chrono>
#include <string>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;

constexpr statement series{"", "SELECT n, repeat('x', 1000) FROM generate_series(1, $1::int4) AS n", access::reads};

constexpr statement fetched_late{"", "SELECT pg_sleep(60)", access::reads};

task<result<void>> pass_over(const rows&) { co_return {}; }

class Stream : public test::Database
{
protected:
    void expect_nothing_running()
    {
        admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND state <> 'idle'", "0");
    }
};

TEST_F(Stream, gives_every_row_once_and_in_order)
{
    pool& db = open();
    std::int32_t last = 0;
    std::size_t largest = 0;
    const auto ended = shards.run([&] {
        return stream(db, series, parameters::of(std::int32_t{10'000}), {.rows_a_piece = 700},
                      [&](const rows& piece) -> task<result<void>> {
                          largest = std::max(largest, piece.size());
                          for (const row one : piece) {
                              EXPECT_EQ(one.get<std::int32_t>(0), last + 1);
                              last = one.get<std::int32_t>(0);
                          }
                          co_return {};
                      });
    });
    EXPECT_TRUE(ended);
    EXPECT_EQ(last, 10'000);
    EXPECT_EQ(largest, 700u);
}

TEST_F(Stream, ends_where_its_reader_fails_and_leaves_the_connection_usable)
{
    pool_options one = options();
    one.connections_max = 1;
    pool& db = open(one);
    int pieces = 0;
    const auto ended = shards.run([&] {
        return stream(db, series, parameters::of(std::int32_t{10'000}), {}, [&](const rows&) -> task<result<void>> {
            if (++pieces == 2) co_return fail(errc::cancelled);
            co_return {};
        });
    });
    EXPECT_EQ(ended.error().code, errc::cancelled);
    EXPECT_EQ(pieces, 2);
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
    EXPECT_EQ(on_shard([&] { return db.counters().losses; }), 0u);
}

TEST_F(Stream, gives_the_error_of_its_statement)
{
    pool& db = open();
    const auto ended = shards.run([&] { return stream(db, series, parameters::of(), {}, pass_over); });
    EXPECT_FALSE(ended);
}

TEST_F(Stream, ends_with_its_request_and_leaves_nothing_running)
{
    pool_options patient = options();
    patient.statement_timeout = 20s;
    pool& db = open(patient);
    stop_source stop;
    context request{.stop = &stop};
    auto ended = shards.start(0, [&] { return stream(db, fetched_late, parameters::of(), {}, pass_over); }, &request);
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND wait_event = 'PgSleep'", "1");
    on_shard([&] {
        stop.request();
        return true;
    });
    EXPECT_EQ(ended.get().error().code, errc::cancelled);
    expect_nothing_running();
}

TEST_F(Stream, that_is_late_has_changed_nothing)
{
    pool_options hasty = options();
    hasty.statement_timeout = 1s;
    pool& db = open(hasty);
    const auto ended = shards.run([&] { return stream(db, fetched_late, parameters::of(), {}, pass_over); });
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, errc::timeout);
    EXPECT_EQ(ended.error().detail, "The database did not answer in time");
    expect_nothing_running();
}

TEST_F(Stream, gives_rows_one_by_one_where_it_may_give_none)
{
    pool& db = open();
    std::size_t pieces = 0, given = 0;
    const auto ended = shards.run([&] {
        return stream(db, series, parameters::of(std::int32_t{3}), {.rows_a_piece = 0},
                      [&](const rows& piece) -> task<result<void>> {
                          ++pieces;
                          given += piece.size();
                          co_return {};
                      });
    });
    EXPECT_TRUE(ended);
    EXPECT_EQ(pieces, 3u);
    EXPECT_EQ(given, 3u);
}

} // namespace
} // namespace sluice::postgres

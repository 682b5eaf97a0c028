// Large results piece by piece, from a real PostgreSQL. Run by server.py.
#include "database.hpp"

#include <sluice/postgres/stream.hpp>

namespace sluice::postgres {
namespace {

constexpr statement series{"", "SELECT n, repeat('x', 1000) FROM generate_series(1, $1::int4) AS n", access::reads};

class Stream : public test::Database
{};

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
    const auto ended = shards.run([&] {
        return stream(db, series, parameters::of(), {}, [](const rows&) -> task<result<void>> { co_return {}; });
    });
    EXPECT_FALSE(ended);
}

} // namespace
} // namespace sluice::postgres

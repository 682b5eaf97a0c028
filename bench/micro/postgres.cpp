// PostgreSQL: parameters into their binary form, a row out of it, and what goes to a server and back: queries by the
// depth of their pipeline, a transaction, a connection taken and given back. SLUICE_TEST_DATABASE_URL names the server
// (tests/postgres/server.py -- PROGRAM starts one); without it the last three are left out.
#include "run_on_shard.hpp"

#include <sluice/core/timestamp.hpp>
#include <sluice/coro/scope.hpp>
#include <sluice/postgres/pool.hpp>
#include <sluice/postgres/transaction.hpp>
#include <sluice/shard/offload.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <libpq-fe.h>
#include <stdexcept>
#include <string>

namespace sluice::postgres {
namespace {

constexpr std::string_view email = "ada.lovelace@example.com";
constexpr std::string_view long_name = "Ada Lovelace";

void BM_postgres_encode(benchmark::State& state)
{
    const uuid id = uuid::make_v7(wall_now());
    const timestamp made = wall_now();
    for (auto _ : state) {
        auto encoded = parameters::of(id, email, long_name, made, std::int64_t{1});
        benchmark::DoNotOptimize(encoded.values());
    }
}
BENCHMARK(BM_postgres_encode)->Name("BM_postgres_encode/user");

void BM_postgres_encode_id(benchmark::State& state)
{
    const uuid id = uuid::make_v7(wall_now());
    for (auto _ : state) {
        auto encoded = parameters::of(id);
        benchmark::DoNotOptimize(encoded.values());
    }
}
BENCHMARK(BM_postgres_encode_id)->Name("BM_postgres_encode/id");

// A user as libpq gives it, without a server.
class result_of_one_user
{
public:
    result_of_one_user() : made_(PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK))
    {
        const std::array<std::pair<const char*, type_id>, 5> columns = {{{"id", type_id::uuid},
                                                                         {"email", type_id::text},
                                                                         {"name", type_id::text},
                                                                         {"created_at", type_id::timestamptz},
                                                                         {"version", type_id::int8}}};
        std::array<PGresAttDesc, columns.size()> described = {};
        std::array<std::string, columns.size()> names;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            names[i] = columns[i].first;
            described[i].name = names[i].data();
            described[i].format = 1;
            described[i].typid = static_cast<Oid>(columns[i].second);
        }
        const auto values = parameters::of(uuid::make_v7(wall_now()), email, long_name, wall_now(), std::int64_t{1});
        bool done = PQsetResultAttrs(made_, columns.size(), described.data()) == 1;
        for (int i = 0; i < values.count(); ++i) {
            std::string value(values.values()[i], static_cast<std::size_t>(values.lengths()[i]));
            done = done && PQsetvalue(made_, 0, i, value.data(), values.lengths()[i]) == 1;
        }
        if (!done) throw std::runtime_error("libpq could not make a result");
    }
    result_of_one_user(const result_of_one_user&) = delete;
    result_of_one_user& operator=(const result_of_one_user&) = delete;

    [[nodiscard]] rows take() { return rows(made_); }

private:
    pg_result* made_; // whoever takes it frees it
};

void BM_postgres_decode(benchmark::State& state)
{
    result_of_one_user made;
    const rows found = made.take();
    for (auto _ : state) {
        const row one = found[0];
        benchmark::DoNotOptimize(one.get<uuid>(0));
        benchmark::DoNotOptimize(one.get<std::string_view>(1));
        benchmark::DoNotOptimize(one.get<std::string_view>(2));
        benchmark::DoNotOptimize(one.get<timestamp>(3));
        benchmark::DoNotOptimize(one.get<std::int64_t>(4));
    }
}
BENCHMARK(BM_postgres_decode)->Name("BM_postgres_decode/user");

// --- With a server

constexpr statement find{"bench_find", "SELECT $1::int8, now(), 'Ada Lovelace'::text", access::reads};
constexpr statement touch{"bench_touch", "SELECT $1::int8", access::writes};

// `loop` is a function of a pool and the state that returns a task<void>. One connection: what is measured is the way
// there and back, and not which of several is chosen.
template <class Loop> void with_server(benchmark::State& state, Loop loop)
{
    const char* url = std::getenv("SLUICE_TEST_DATABASE_URL");
    if (url == nullptr) {
        state.SkipWithError("SLUICE_TEST_DATABASE_URL names no server");
        return;
    }
    offload_pool blocking({.threads = 1});
    run_on_shard(state, [&](shard& here, benchmark::State& s) -> task<void> {
        auto& database = here.own<pool>(here, blocking, pool_options{.url = url, .connections_max = 1});
        const auto answers = co_await database.ping();
        if (answers)
            co_await loop(database, s);
        else
            s.SkipWithError(answers.error().detail.c_str());
    });
}

task<void> ask(pool& database, std::int64_t value)
{
    const auto found = co_await database.query(find, value);
    if (!found) throw std::runtime_error(found.error().detail);
    benchmark::DoNotOptimize((*found)[0].get<std::int64_t>(0));
}

void BM_postgres_query(benchmark::State& state)
{
    with_server(state, [](pool& database, benchmark::State& s) -> task<void> {
        for (auto _ : s) {
            scope all;
            for (std::int64_t i = 0; i < s.range(0); ++i) all.spawn(ask(database, i));
            co_await all.join();
        }
        s.SetItemsProcessed(s.iterations() * s.range(0));
    });
}
BENCHMARK(BM_postgres_query)->Name("BM_postgres_query/depth")->Arg(1)->Arg(8)->Arg(64)->UseRealTime();

void BM_postgres_transaction(benchmark::State& state)
{
    with_server(state, [](pool& database, benchmark::State& s) -> task<void> {
        for (auto _ : s) {
            const auto done = co_await transact(database, {}, [](transaction& t) -> task<result<rows>> {
                co_return co_await t.query(touch, std::int64_t{1});
            });
            if (!done) throw std::runtime_error(done.error().detail);
        }
    });
}
BENCHMARK(BM_postgres_transaction)->Name("BM_postgres_transaction/one_statement")->UseRealTime();

// A transaction of no statement sends nothing: a connection is taken and given back.
void BM_postgres_lease(benchmark::State& state)
{
    with_server(state, [](pool& database, benchmark::State& s) -> task<void> {
        for (auto _ : s) {
            transaction none(database, {});
            const auto taken = co_await none.begin();
            const auto given = co_await none.commit();
            if (!taken || !given) throw std::runtime_error("no connection");
        }
    });
}
BENCHMARK(BM_postgres_lease)->Name("BM_postgres_pool/acquire_release");

} // namespace
} // namespace sluice::postgres

BENCHMARK_MAIN();

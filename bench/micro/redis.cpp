// Redis: a command into bytes, bytes into a reply, and what goes to a server and back by the depth of the pipeline,
// beside hiredis's own blocking pipeline. SLUICE_TEST_REDIS_URL names the server (tests/redis/server.py -- PROGRAM
// starts one); without it the last are left out.
#include "redis/reader.hpp"
#include "run_on_shard.hpp"

#include <sluice/redis/client.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/wait.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <hiredis/hiredis.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {
namespace {

constexpr std::string_view key = "sluice:users:id:0190b6a0-7c6e-7cc0-8000-000000000000";
const std::string value(200, 'x'); // a user as JSON is about as long

void BM_redis_encode_get(benchmark::State& state)
{
    for (auto _ : state) {
        const command_line made = command_line::of("GET", key);
        benchmark::DoNotOptimize(made.bytes().data());
    }
}
BENCHMARK(BM_redis_encode_get)->Name("BM_redis_encode/get");

void BM_redis_encode_set(benchmark::State& state)
{
    for (auto _ : state) {
        const command_line made = command_line::of("SET", key, value, "PX", 60'000);
        benchmark::DoNotOptimize(made.bytes().data());
    }
}
BENCHMARK(BM_redis_encode_set)->Name("BM_redis_encode/set");

// hiredis's own formatter, which gives memory of its own for each command.
void hiredis_encode(benchmark::State& state, std::vector<std::string_view> words)
{
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    for (auto _ : state) {
        char* made = nullptr;
        redisFormatCommandArgv(&made, static_cast<int>(words.size()), texts.data(), sizes.data());
        benchmark::DoNotOptimize(made);
        redisFreeCommand(made);
    }
}

void BM_hiredis_encode_get(benchmark::State& state) { hiredis_encode(state, {"GET", key}); }
BENCHMARK(BM_hiredis_encode_get)->Name("BM_hiredis_encode/get");

void BM_hiredis_encode_set(benchmark::State& state) { hiredis_encode(state, {"SET", key, value, "PX", "60000"}); }
BENCHMARK(BM_hiredis_encode_set)->Name("BM_hiredis_encode/set");

// Replies as they come: as many in one piece as were asked for at once.
void decode(benchmark::State& state, const std::string& one)
{
    const auto depth = static_cast<std::size_t>(state.range(0));
    std::string bytes;
    for (std::size_t i = 0; i < depth; ++i) bytes += one;
    reader from(std::size_t{1} << 20);
    for (auto _ : state) {
        from.feed(bytes);
        while (from.next() == reader::state::reply) {
            const reply taken = from.take();
            benchmark::DoNotOptimize(&taken);
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_redis_decode_text(benchmark::State& state) { decode(state, "$200\r\n" + value + "\r\n"); }
BENCHMARK(BM_redis_decode_text)->Name("BM_redis_decode/text")->Arg(1)->Arg(8)->Arg(64);

void BM_redis_decode_list(benchmark::State& state) { decode(state, "*2\r\n$200\r\n" + value + "\r\n:59999\r\n"); }
BENCHMARK(BM_redis_decode_list)->Name("BM_redis_decode/list")->Arg(1)->Arg(8)->Arg(64);

// As many readers as the pipeline is deep, each with one GET after the other.
task<void> read_on(client& redis, benchmark::State& state, std::int64_t& left, std::int64_t& readers, wait& all_done)
{
    while (left-- > 0) {
        const auto got = co_await redis.get(key);
        if (!got || !*got) state.SkipWithError("no value");
    }
    if (--readers == 0) all_done.complete();
}

// An iteration is a thousand commands, so that they overlap as they do in a server.
constexpr std::int64_t commands = 1000;

void BM_redis_get(benchmark::State& state)
{
    const auto where = parse_url(std::getenv("SLUICE_TEST_REDIS_URL"));
    offload_pool names({.threads = 1});
    const auto loop = [&](shard& here, benchmark::State& s) -> task<void> {
        auto& redis =
            here.own<client>(here, names, client_options{.where = *where, .command_timeout = std::chrono::seconds(10)});
        if (!co_await redis.set(key, value)) s.SkipWithError("no Redis");
        for (auto _ : s) {
            std::int64_t left = commands, readers = s.range(0);
            wait all_done;
            for (std::int64_t i = 0; i < s.range(0); ++i)
                here.background().spawn(read_on(redis, s, left, readers, all_done));
            (void)co_await all_done.until();
        }
    };
    run_on_shard(state, loop);
    state.SetItemsProcessed(state.iterations() * commands);
}

// hiredis, blocking: as many commands at once, then all their replies.
void BM_hiredis_get(benchmark::State& state)
{
    const std::unique_ptr<redisContext, void (*)(redisContext*)> to(
        redisConnect("127.0.0.1", std::atoi(std::getenv("SLUICE_TEST_REDIS_PORT"))), &redisFree);
    for (auto _ : state) {
        for (std::int64_t left = commands; left > 0; left -= state.range(0)) {
            for (std::int64_t i = 0; i < state.range(0); ++i)
                redisAppendCommand(to.get(), "GET %b", key.data(), key.size());
            for (std::int64_t i = 0; i < state.range(0); ++i) {
                void* got = nullptr;
                if (redisGetReply(to.get(), &got) != REDIS_OK) return state.SkipWithError("no Redis");
                freeReplyObject(got);
            }
        }
    }
    state.SetItemsProcessed(state.iterations() * commands);
}

[[maybe_unused]] const bool beside_a_server = [] {
    if (std::getenv("SLUICE_TEST_REDIS_URL") == nullptr) return false;
    for (auto* made : {benchmark::RegisterBenchmark("BM_redis_get/depth", &BM_redis_get),
                       benchmark::RegisterBenchmark("BM_hiredis_get/depth", &BM_hiredis_get)})
        made->Arg(1)->Arg(8)->Arg(64)->UseRealTime();
    return true;
}();

} // namespace
} // namespace sluice::redis

BENCHMARK_MAIN();

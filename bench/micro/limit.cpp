// What a decision of the rate limiter costs where none has to wait, and what stands around it.
#include "limit/counter_table.hpp"
#include "limit/shard_memory.hpp"
#include "run_on_shard.hpp"

#include <sluice/http/forwarded.hpp>
#include <sluice/http/test_request.hpp>
#include <sluice/limit/client_key.hpp>
#include <sluice/limit/limiter.hpp>
#include <sluice/middleware/rate_limiting.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <string>
#include <vector>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;

constexpr micros some_day = 1'700'000'000'000'000;

std::vector<client_key> clients(std::size_t count)
{
    std::vector<client_key> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(client_key::of_text(std::to_string(i)));
    return made;
}

// The key's home: what a process without a Redis does for a request.
void count(benchmark::State& state, const rules& by)
{
    const auto keys = clients(static_cast<std::size_t>(state.range(0)));
    counter_table table(65536);
    std::size_t next = 0;
    micros now = some_day;
    for (auto _ : state) {
        const client_key& key = keys[next = (next + 7919) % keys.size()];
        verdict said = table.decide(key, key.hash(), by, {}, ++now);
        benchmark::DoNotOptimize(said);
    }
}
void BM_limit_count_passes(benchmark::State& state)
{
    count(state, rules(policy{.quotas = {{.requests = 1'000'000'000, .window = 60s}}}));
}
BENCHMARK(BM_limit_count_passes)->Name("BM_limit_count/passes")->Arg(1)->Arg(50'000);
void BM_limit_count_two_quotas(benchmark::State& state)
{
    count(state, rules(policy{
                     .quotas = {{.requests = 100'000'000, .window = 1s}, {.requests = 1'000'000'000, .window = 1h}}}));
}
BENCHMARK(BM_limit_count_two_quotas)->Name("BM_limit_count/two_quotas")->Arg(1)->Arg(50'000);
void BM_limit_count_refuses(benchmark::State& state)
{
    count(state, rules(policy{.quotas = {{.requests = 1, .window = 24h}}}));
}
BENCHMARK(BM_limit_count_refuses)->Name("BM_limit_count/refuses")->Arg(1)->Arg(50'000);

// The shard's own memory: what it does for a request where Redis counts.
void remember(benchmark::State& state, const verdict& said)
{
    const auto keys = clients(static_cast<std::size_t>(state.range(0)));
    const rules by(policy{.quotas = {{.requests = 1'000'000'000, .window = 60s}}});
    shard_memory memory(4096);
    memory.go_by(by);
    const time_point now(1h);
    for (const client_key& key : keys) (void)memory.learn(key, key.hash(), 1, said, now, now);
    std::size_t next = 0;
    for (auto _ : state) {
        const client_key& key = keys[next = (next + 7919) % keys.size()];
        auto decided = memory.look(key, key.hash(), 1, now);
        benchmark::DoNotOptimize(decided);
    }
}
void BM_limit_lease(benchmark::State& state)
{
    remember(state, {.passes = true, .lease = 4'000'000'000, .lease_for = 60'000'000, .size = 1});
}
BENCHMARK(BM_limit_lease)->Name("BM_limit_memory/leased")->Arg(1)->Arg(1000);
void BM_limit_denied(benchmark::State& state)
{
    remember(state, {.passes = false, .passes_in = 60'000'000, .size = 1});
}
BENCHMARK(BM_limit_denied)->Name("BM_limit_memory/refused")->Arg(1)->Arg(1000);

// What stands around a handler: from the head to the fields of the answer. `client` picks the key's home.
void around(benchmark::State& state, std::uint32_t requests, unsigned shards, bool elsewhere)
{
    rate_limit all({.quotas = {{.requests = requests, .window = 24h}}}, {.shards = shards});
    run_on_shard(
        state,
        [&](shard& here, benchmark::State& s) -> task<void> {
            auto& limited = here.own<rate_limiting>(here.own<limiter>(here, all));
            http::test_request asked;
            int last = 1;
            const unsigned home = elsewhere ? 1 : 0;
            const auto address = [&] { return "192.0.2." + std::to_string(last); };
            while (client_key::of_client(address()).hash() % shards != home) ++last;
            asked.client(address());
            for (auto _ : s) {
                asked.get().notes().clear();
                std::optional<waiting_middleware::said> said = limited.at_once(asked.get());
                if (!said) said = co_await limited.before_waiting(asked.get());
                response answer = *said ? std::move(***said) : response();
                limited.after(asked.get(), answer);
                benchmark::DoNotOptimize(answer);
            }
        },
        shards);
}
void BM_limit_around_passes(benchmark::State& state) { around(state, 1'000'000'000, 1, false); }
BENCHMARK(BM_limit_around_passes)->Name("BM_limit_around/passes");
void BM_limit_around_refuses(benchmark::State& state) { around(state, 1, 1, false); }
BENCHMARK(BM_limit_around_refuses)->Name("BM_limit_around/refuses");
// With a message to the key's home for each lease, not for each request.
void BM_limit_around_elsewhere(benchmark::State& state) { around(state, 1'000'000'000, 2, true); }
BENCHMARK(BM_limit_around_elsewhere)->Name("BM_limit_around/passes_by_another_shard")->UseRealTime();

void BM_limit_key(benchmark::State& state, std::string_view client)
{
    for (auto _ : state) {
        const client_key key = client_key::of_client(client);
        std::uint64_t hash = key.hash();
        benchmark::DoNotOptimize(hash);
    }
}
BENCHMARK_CAPTURE(BM_limit_key, v4, "192.0.2.135");
BENCHMARK_CAPTURE(BM_limit_key, v6, "2001:db8:1234:5678::9abc");

void BM_limit_forwarded(benchmark::State& state)
{
    http::headers fields;
    fields.add("Host", "example.com");
    fields.add("X-Forwarded-For", "198.51.100.7, 192.0.2.135, 10.1.2.3");
    http::trusted_peers trusted;
    trusted.add(*http::parse_network("10.0.0.0/8"));
    for (auto _ : state) {
        auto found = http::forwarded_client(fields, trusted);
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(BM_limit_forwarded);

} // namespace
} // namespace sluice::limit

// The shard: timers, turns, messages to another shard and back, the offload pool.
#include "run_on_shard.hpp"

#include <sluice/shard/offload.hpp>
#include <sluice/shard/timer.hpp>

#include <deque>

namespace {

using namespace sluice;

void nothing(timer&) {}

// Among as many others as the argument says, all some time ahead.
void BM_shard_timer(benchmark::State& state)
{
    time_point now = steady_clock::now();
    timer_wheel wheel(now);
    std::deque<timer> others;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        others.emplace_back(&nothing);
        wheel.arm(others.back(), now + std::chrono::milliseconds(10 + i));
    }
    timer measured(&nothing);
    for (auto _ : state) {
        wheel.arm(measured, now + std::chrono::seconds(10));
        wheel.cancel(measured);
    }
    for (timer& one : others) wheel.cancel(one);
}
BENCHMARK(BM_shard_timer)->Name("BM_shard_timer/arm_cancel")->Arg(0)->Arg(10'000);

// A tick's worth of time passes between turns; what is armed each time fires.
void BM_shard_timer_fire(benchmark::State& state)
{
    time_point now = steady_clock::now();
    timer_wheel wheel(now);
    timer measured(&nothing);
    for (auto _ : state) {
        now += std::chrono::milliseconds(2);
        wheel.arm(measured, now);
        benchmark::DoNotOptimize(wheel.next());
        wheel.advance(now + std::chrono::milliseconds(2));
    }
}
BENCHMARK(BM_shard_timer_fire)->Name("BM_shard_timer/arm_fire");

void BM_shard_turn(benchmark::State& state)
{
    run_on_shard(state, [](shard&, benchmark::State& s) -> task<void> {
        for (auto _ : s) co_await next_turn();
    });
}
BENCHMARK(BM_shard_turn)->Name("BM_shard_turn/one_ready");

void BM_shard_message(benchmark::State& state)
{
    run_on_shard(
        state,
        [](shard&, benchmark::State& s) -> task<void> {
            for (auto _ : s) co_await on_shard(1, [] {});
        },
        2);
}
BENCHMARK(BM_shard_message)->Name("BM_shard_message/there_and_back")->UseRealTime();

// As many at once as the argument says: one wake-up serves them all.
void BM_shard_message_batch(benchmark::State& state)
{
    struct one
    {
        static task<void> run()
        {
            co_await on_shard(1, [] {});
        }
    };
    run_on_shard(
        state,
        [](shard&, benchmark::State& s) -> task<void> {
            for (auto _ : s) {
                scope calls;
                for (std::int64_t i = 0; i < s.range(0); ++i) calls.spawn(one::run());
                co_await calls.join();
            }
            s.SetItemsProcessed(static_cast<std::int64_t>(s.iterations()) * s.range(0));
        },
        2);
}
BENCHMARK(BM_shard_message_batch)->Name("BM_shard_message/batch")->Arg(64)->UseRealTime();

void BM_shard_offload(benchmark::State& state)
{
    offload_pool pool({.threads = 1});
    run_on_shard(state, [&pool](shard&, benchmark::State& s) -> task<void> {
        for (auto _ : s) {
            auto done = co_await offload(pool, [] { return 1; });
            benchmark::DoNotOptimize(done);
        }
    });
}
BENCHMARK(BM_shard_offload)->Name("BM_shard_offload/there_and_back")->UseRealTime();

} // namespace

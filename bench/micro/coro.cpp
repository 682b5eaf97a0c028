// What coroutines cost: a task from start to end, nested awaits, a spawned task, a turn of the executor.
#include <sluice/coro/executor.hpp>
#include <sluice/coro/one_shot.hpp>
#include <sluice/coro/scope.hpp>
#include <sluice/coro/task.hpp>

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

namespace {

using namespace sluice;

[[gnu::noinline]] task<int> number(int value) { co_return value; }

task<int> nested(int depth)
{
    if (depth == 0) co_return 0;
    co_return 1 + co_await nested(depth - 1);
}

// Awaits `each()` once for each iteration, all within one coroutine.
template <class Each> void await_each(benchmark::State& state, Each each)
{
    executor on;
    scope tasks;
    tasks.spawn([](benchmark::State& timed, Each& make) -> task<> {
        for (auto _ : timed) benchmark::DoNotOptimize(co_await make());
    }(state, each));
    while (!on.idle()) on.run();
}

void BM_coro_task_start_finish(benchmark::State& state)
{
    await_each(state, [] { return number(1); });
}
BENCHMARK(BM_coro_task_start_finish);

void BM_coro_task_nested(benchmark::State& state)
{
    await_each(state, [depth = static_cast<int>(state.range(0))] { return nested(depth); });
}
BENCHMARK(BM_coro_task_nested)->Arg(4)->Arg(16);

void BM_coro_scope_spawn(benchmark::State& state)
{
    executor on;
    scope tasks;
    int runs = 0;
    for (auto _ : state) {
        tasks.spawn([](int& count) -> task<> {
            ++count;
            co_return;
        }(runs));
        benchmark::DoNotOptimize(runs);
    }
}
BENCHMARK(BM_coro_scope_spawn);

void BM_coro_executor_turn(benchmark::State& state)
{
    executor on;
    struct item : ready
    {
        item() : ready(&count) {}
        static void count(ready& self) { benchmark::DoNotOptimize(self); }
    };
    std::vector<std::unique_ptr<item>> items;
    for (std::int64_t i = 0; i < state.range(0); ++i) items.push_back(std::make_unique<item>());
    for (auto _ : state) {
        for (auto& each : items) on.post(*each);
        benchmark::DoNotOptimize(on.run());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_coro_executor_turn)->Arg(1)->Arg(64);

// A request that waits once: spawned within a context, answered through a one_shot, run on in the next turn.
void BM_coro_one_shot_round_trip(benchmark::State& state)
{
    executor on;
    scope tasks;
    stop_source stop;
    context request{.trace = {}, .stop = &stop};
    for (auto _ : state) {
        one_shot<int> answer;
        tasks.spawn(
            [](one_shot<int>& of) -> task<> {
                const auto got = co_await of.wait();
                benchmark::DoNotOptimize(*got);
            }(answer),
            &request);
        answer.set(7);
        on.run();
    }
}
BENCHMARK(BM_coro_one_shot_round_trip);

} // namespace

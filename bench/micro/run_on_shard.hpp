// Runs a benchmark's loop as a coroutine on a shard, so that what it measures has a loop, a ring and neighbours.
#pragma once

#include "shard/shard_group.hpp"

#include <sluice/shard/shard.hpp>

#include <benchmark/benchmark.h>

namespace sluice {

// Suspends until the loop has come round once.
struct next_turn
{
    resumption waiter;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept
    {
        waiter.suspend(handle);
        waiter.wake();
    }
    void await_resume() const noexcept {}
};

// `loop` is a function of the shard and the benchmark's state that returns a task<void>; it must see to it that each
// shard is told to finish.
template <class Loop> void run_to_the_end(benchmark::State& state, Loop loop, unsigned shards = 1)
{
    struct runner
    {
        static task<void> run(Loop& loop, shard& here, benchmark::State& state)
        {
            co_await next_turn(); // the others must have started before anything reaches them
            co_await loop(here, state);
        }
    };
    shard_group group({.shards = shards, .busy_poll = busy_poll_mode::off});
    auto started = group.start([&](shard& here) -> result<void> {
        if (here.index() == 0) here.background().spawn(runner::run(loop, here, state));
        return {};
    });
    if (!started) state.SkipWithError(started.error().detail.c_str());
    group.join();
}

// The same, for a loop that leaves nothing behind: the shards finish after it.
template <class Loop> void run_on_shard(benchmark::State& state, Loop loop, unsigned shards = 1)
{
    run_to_the_end(
        state,
        [&loop](shard& here, benchmark::State& s) -> task<void> {
            co_await loop(here, s);
            for (unsigned index = 0; index < here.count(); ++index)
                co_await on_shard(index, [] { shard::current().finish(); });
        },
        shards);
}

} // namespace sluice

// Coroutines and what they wait for take nothing from the heap once the pool has what they need.
#include "heap_count.hpp"
#include "run.hpp"

#include <sluice/core/buffer.hpp>
#include <sluice/coro/event.hpp>
#include <sluice/coro/one_shot.hpp>
#include <sluice/coro/semaphore.hpp>

#include <gtest/gtest.h>

namespace sluice {

namespace {

task<int> leaf()
{
    co_await yield();
    co_return 1;
}

task<int> nested(int depth)
{
    if (depth == 0) co_return co_await leaf();
    co_return 1 + co_await nested(depth - 1);
}

// What a request may use.
task<> one_of_everything(semaphore& guard, event& happened, one_shot<int>& answer)
{
    auto permit = co_await guard.acquire();
    co_await nested(10);
    co_await happened.wait();
    buffer bytes;
    for (int i = 0; i < 5000; ++i) bytes.append("some output ");
    (void)co_await answer.wait();
    pooled_string text(3000, 'x');
}

void turn(executor& on)
{
    scope tasks;
    semaphore guard({.permits = 1});
    event happened;
    one_shot<int> first, second;
    stop_source stop;
    context context{.trace = trace_context::start(), .stop = &stop};
    tasks.spawn(one_of_everything(guard, happened, first), &context);
    tasks.spawn(one_of_everything(guard, happened, second), &context);
    turn_all(on);
    happened.set();
    first.set(1);
    turn_all(on);
    stop.request();
    turn_all(on);
}

} // namespace

TEST(CoroAllocation, steady_state_makes_none)
{
    if (!pool_recycles) GTEST_SKIP() << "AddressSanitizer sees every block itself";
    executor on;
    for (int i = 0; i < 3; ++i) turn(on);
    const std::uint64_t before = test::heap_blocks_of_thread();
    for (int i = 0; i < 1000; ++i) turn(on);
    EXPECT_EQ(test::heap_blocks_of_thread(), before);
}

} // namespace sluice

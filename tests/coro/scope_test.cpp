#include "run.hpp"

#include <sluice/coro/one_shot.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

namespace sluice {

namespace {

task<> wait_on(pause& until, int& finished)
{
    co_await until;
    ++finished;
}

task<> join(scope& of, bool& joined)
{
    co_await of.join();
    joined = true;
}

} // namespace

TEST(Scope, starts_a_task_at_once_and_runs_it_until_its_first_wait)
{
    executor on;
    scope tasks;
    pause until;
    int finished = 0;
    tasks.spawn(wait_on(until, finished));
    EXPECT_EQ(tasks.running(), 1U);
    EXPECT_EQ(finished, 0);
    until.resume();
    EXPECT_EQ(finished, 0);
    turn_all(on);
    EXPECT_EQ(finished, 1);
    EXPECT_EQ(tasks.running(), 0U);
}

TEST(Scope, a_task_that_never_waits_is_gone_when_spawn_returns)
{
    executor on;
    scope tasks;
    auto held = std::make_shared<int>(0);
    tasks.spawn([](std::shared_ptr<int> mine) -> task<> {
        ++*mine;
        co_return;
    }(held));
    EXPECT_EQ(*held, 1);
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(tasks.running(), 0U);
}

TEST(Scope, join_waits_for_every_task)
{
    executor on;
    scope tasks, others;
    pause first, second;
    int finished = 0;
    bool joined = false;
    tasks.spawn(wait_on(first, finished));
    tasks.spawn(wait_on(second, finished));
    others.spawn(join(tasks, joined));
    first.resume();
    turn_all(on);
    EXPECT_FALSE(joined);
    second.resume();
    turn_all(on);
    EXPECT_TRUE(joined);
    EXPECT_EQ(finished, 2);
}

TEST(Scope, join_of_an_empty_scope_does_not_wait)
{
    executor on;
    scope tasks, others;
    bool joined = false;
    others.spawn(join(tasks, joined));
    EXPECT_TRUE(joined);
}

TEST(Scope, join_also_waits_for_what_is_spawned_before_the_joiner_runs_on)
{
    executor on;
    scope tasks, others;
    pause first, second;
    int finished = 0;
    bool joined = false;
    tasks.spawn(wait_on(first, finished));
    others.spawn(join(tasks, joined));
    first.resume();
    on.run();
    EXPECT_EQ(tasks.running(), 0U);
    tasks.spawn(wait_on(second, finished));
    turn_all(on);
    EXPECT_FALSE(joined);
    second.resume();
    turn_all(on);
    EXPECT_TRUE(joined);
}

TEST(Scope, a_joiner_may_destroy_the_scope)
{
    executor on;
    scope others;
    pause until;
    int finished = 0;
    bool gone = false;
    auto tasks = std::make_unique<scope>();
    tasks->spawn(wait_on(until, finished));
    others.spawn([](std::unique_ptr<scope> mine, bool& out) -> task<> {
        co_await mine->join();
        mine.reset();
        out = true;
    }(std::move(tasks), gone));
    until.resume();
    turn_all(on);
    EXPECT_TRUE(gone);
}

TEST(Scope, tasks_may_spawn_more_and_end_in_any_order)
{
    executor on;
    scope tasks;
    int finished = 0;
    struct tree
    {
        static task<> grow(scope& in, int depth, int& count)
        {
            if (depth > 0) {
                in.spawn(grow(in, depth - 1, count));
                co_await yield();
                in.spawn(grow(in, depth - 1, count));
            }
            ++count;
        }
    };
    tasks.spawn(tree::grow(tasks, 8, finished));
    turn_all(on);
    EXPECT_EQ(finished, 511);
    EXPECT_EQ(tasks.running(), 0U);
}

TEST(Scope, asked_to_stop_it_cancels_the_waits_that_use_its_source)
{
    executor on;
    scope tasks;
    context request{.trace = {}, .stop = &tasks.stop()};
    one_shot<int> never_answered;
    errc outcome = errc::internal;
    tasks.spawn(
        [](one_shot<int>& answer, errc& out) -> task<> {
            const auto got = co_await answer.wait();
            if (!got) out = got.error().code;
        }(never_answered, outcome),
        &request);
    turn_all(on);
    EXPECT_EQ(tasks.running(), 1U);
    tasks.request_stop();
    turn_all(on);
    EXPECT_EQ(outcome, errc::cancelled);
    EXPECT_EQ(tasks.running(), 0U);
}

TEST(Scope, an_exception_that_leaves_a_spawned_task_ends_the_process)
{
    EXPECT_DEATH(
        {
            executor on;
            scope tasks;
            tasks.spawn([]() -> task<> {
                throw std::runtime_error("nobody awaits this");
                co_return;
            }());
        },
        "nobody awaits this");
}

TEST(Scope, must_be_empty_when_it_dies)
{
    EXPECT_DEATH(
        {
            executor on;
            pause until;
            int finished = 0;
            scope tasks;
            tasks.spawn(wait_on(until, finished));
        },
        "assertion failed: running_ == 0");
}

} // namespace sluice

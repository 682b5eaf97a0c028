#include "run.hpp"

#include <sluice/coro/semaphore.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {

namespace {

// Enters, waits for the test and leaves; notes each step, or the name of the error.
task<> use(semaphore& guard, pause& until, std::string who, std::vector<std::string>& log)
{
    auto entered = co_await guard.acquire();
    if (!entered) {
        log.push_back(who + " " + std::string(name(entered.error().code)));
        co_return;
    }
    log.push_back(who + " in");
    co_await until;
    log.push_back(who + " out");
}

using steps = std::vector<std::string>;

} // namespace

TEST(Semaphore, lets_as_many_in_as_it_has_permits_and_the_rest_in_their_order)
{
    executor on;
    scope tasks;
    semaphore guard({.permits = 2});
    pause until[4];
    steps log;
    for (int i = 0; i < 4; ++i) tasks.spawn(use(guard, until[i], std::string(1, static_cast<char>('a' + i)), log));
    EXPECT_EQ(log, (steps{"a in", "b in"}));
    EXPECT_EQ(guard.free(), 0U);
    EXPECT_EQ(guard.waiting(), 2U);
    until[1].resume();
    turn_all(on);
    EXPECT_EQ(log, (steps{"a in", "b in", "b out", "c in"}));
    for (int i : {0, 2}) until[i].resume();
    turn_all(on);
    until[3].resume();
    turn_all(on);
    EXPECT_EQ(log.back(), "d out");
    EXPECT_EQ(guard.free(), 2U);
}

TEST(Semaphore, nobody_overtakes_who_waits)
{
    executor on;
    scope tasks;
    semaphore guard({.permits = 1});
    pause until[3];
    steps log;
    tasks.spawn(use(guard, until[0], "a", log));
    tasks.spawn(use(guard, until[1], "b", log));
    until[0].resume();
    on.run();
    // The permit is b's already, though b has not run yet.
    tasks.spawn(use(guard, until[2], "c", log));
    turn_all(on);
    EXPECT_EQ(log, (steps{"a in", "a out", "b in"}));
    until[1].resume();
    turn_all(on);
    until[2].resume();
    turn_all(on);
    EXPECT_EQ(log, (steps{"a in", "a out", "b in", "b out", "c in", "c out"}));
}

TEST(Semaphore, refuses_at_the_bound_of_waiters)
{
    executor on;
    scope tasks;
    semaphore guard({.permits = 1, .waiters_max = 1});
    pause until[3];
    steps log;
    tasks.spawn(use(guard, until[0], "a", log));
    tasks.spawn(use(guard, until[1], "b", log));
    tasks.spawn(use(guard, until[2], "c", log));
    EXPECT_EQ(log, (steps{"a in", "c unavailable"}));
    until[0].resume();
    turn_all(on);
    until[1].resume();
    turn_all(on);
    EXPECT_EQ(guard.free(), 1U);
}

TEST(Semaphore, a_waiter_whose_request_stops_leaves_its_place_to_others)
{
    executor on;
    scope tasks;
    semaphore guard({.permits = 1});
    stop_source stop;
    context request{.trace = {}, .stop = &stop};
    pause until[3];
    steps log;
    tasks.spawn(use(guard, until[0], "a", log));
    tasks.spawn(use(guard, until[1], "b", log), &request);
    tasks.spawn(use(guard, until[2], "c", log));
    stop.request();
    EXPECT_EQ(guard.waiting(), 1U);
    turn_all(on);
    EXPECT_EQ(log, (steps{"a in", "b cancelled"}));
    until[0].resume();
    turn_all(on);
    EXPECT_EQ(log, (steps{"a in", "b cancelled", "a out", "c in"}));
    until[2].resume();
    turn_all(on);
}

TEST(Semaphore, a_permit_can_be_moved_and_released_early)
{
    executor on;
    semaphore guard({.permits = 1});
    run(on, [](semaphore& of) -> task<> {
        auto first = co_await of.acquire();
        semaphore::permit moved = std::move(*first);
        EXPECT_TRUE(moved);
        EXPECT_FALSE(*first);
        EXPECT_EQ(of.free(), 0U);
        moved.release();
        moved.release();
        EXPECT_EQ(of.free(), 1U);
    }(guard));
}

} // namespace sluice

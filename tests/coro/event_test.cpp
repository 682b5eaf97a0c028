#include "run.hpp"

#include <sluice/coro/event.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace sluice {

namespace {

task<> wait(event& on, std::vector<int>& log, int who)
{
    co_await on.wait();
    log.push_back(who);
}

} // namespace

TEST(Event, releases_all_who_wait_in_their_order)
{
    executor on;
    scope tasks;
    event happened;
    std::vector<int> log;
    for (int who = 1; who <= 3; ++who) tasks.spawn(wait(happened, log, who));
    turn_all(on);
    EXPECT_TRUE(log.empty());
    happened.set();
    EXPECT_TRUE(log.empty());
    turn_all(on);
    EXPECT_EQ(log, (std::vector{1, 2, 3}));
}

TEST(Event, does_not_hold_who_comes_after_it_was_set)
{
    executor on;
    scope tasks;
    event happened;
    std::vector<int> log;
    happened.set();
    tasks.spawn(wait(happened, log, 1));
    EXPECT_EQ(log, (std::vector{1}));
}

TEST(Event, reset_holds_newcomers_and_not_those_released)
{
    executor on;
    scope tasks;
    event happened;
    std::vector<int> log;
    tasks.spawn(wait(happened, log, 1));
    happened.set();
    happened.reset();
    tasks.spawn(wait(happened, log, 2));
    turn_all(on);
    EXPECT_EQ(log, (std::vector{1}));
    happened.set();
    turn_all(on);
    EXPECT_EQ(log, (std::vector{1, 2}));
}

TEST(Event, a_released_waiter_may_destroy_it)
{
    executor on;
    scope tasks;
    bool gone = false;
    auto owned = std::make_unique<event>();
    event& happened = *owned;
    tasks.spawn([](std::unique_ptr<event> mine, bool& out) -> task<> {
        co_await mine->wait();
        mine.reset();
        out = true;
    }(std::move(owned), gone));
    happened.set();
    turn_all(on);
    EXPECT_TRUE(gone);
}

} // namespace sluice

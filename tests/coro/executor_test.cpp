#include "run.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace sluice {

namespace {

struct noting : ready
{
    noting(std::vector<int>& out, int v) : ready(&note), log(out), value(v) {}
    static void note(ready& self)
    {
        auto& me = static_cast<noting&>(self);
        me.log.push_back(me.value);
    }
    std::vector<int>& log;
    int value;
};

} // namespace

TEST(Executor, runs_in_the_order_of_posting)
{
    executor on;
    std::vector<int> log;
    noting one(log, 1), two(log, 2), three(log, 3);
    on.post(two);
    on.post(one);
    on.post(three);
    EXPECT_EQ(on.run(), 3U);
    EXPECT_EQ(log, (std::vector{2, 1, 3}));
    EXPECT_TRUE(on.idle());
    EXPECT_EQ(on.run(), 0U);
}

TEST(Executor, takes_an_item_once_however_often_it_is_posted)
{
    executor on;
    std::vector<int> log;
    noting one(log, 1), two(log, 2);
    on.post(one);
    on.post(two);
    on.post(one);
    EXPECT_EQ(on.run(), 2U);
    EXPECT_EQ(log, (std::vector{1, 2}));
}

TEST(Executor, what_is_posted_in_a_turn_waits_for_the_next)
{
    struct again : ready
    {
        explicit again(executor& e) : ready(&run_again), on(e) {}
        static void run_again(ready& self)
        {
            auto& me = static_cast<again&>(self);
            if (++me.runs < 3) me.on.post(me);
        }
        executor& on;
        int runs = 0;
    };
    executor on;
    again item(on);
    on.post(item);
    EXPECT_EQ(on.run(), 1U);
    EXPECT_EQ(item.runs, 1);
    EXPECT_EQ(on.run(), 1U);
    EXPECT_EQ(on.run(), 1U);
    EXPECT_EQ(on.run(), 0U);
    EXPECT_EQ(item.runs, 3);
}

TEST(Executor, an_item_may_free_itself)
{
    struct once : ready
    {
        once() : ready(&finish) {}
        static void finish(ready& self) { delete static_cast<once*>(&self); }
    };
    executor on;
    for (int i = 0; i < 3; ++i) on.post(*std::make_unique<once>().release());
    EXPECT_EQ(on.run(), 3U);
}

TEST(Executor, is_the_current_one_of_its_thread_alone)
{
    EXPECT_EQ(executor::current(), nullptr);
    {
        executor outer;
        EXPECT_EQ(executor::current(), &outer);
        {
            const executor inner;
            EXPECT_EQ(executor::current(), &inner);
        }
        EXPECT_EQ(executor::current(), &outer);
        std::thread([] { EXPECT_EQ(executor::current(), nullptr); }).join();
    }
    EXPECT_EQ(executor::current(), nullptr);
}

TEST(Executor, nothing_may_die_while_it_is_queued)
{
    EXPECT_DEATH(
        {
            executor on;
            std::vector<int> log;
            noting lost(log, 1);
            on.post(lost);
        },
        "assertion failed");
}

TEST(Resumption, waking_twice_resumes_once)
{
    executor on;
    pause wait;
    int resumed = 0;
    scope tasks;
    tasks.spawn([](pause& until, int& count) -> task<> {
        co_await until;
        ++count;
        co_await until;
        ++count;
    }(wait, resumed));
    EXPECT_TRUE(wait.waiter.suspended());
    wait.resume();
    wait.resume();
    EXPECT_EQ(resumed, 0);
    turn_all(on);
    EXPECT_EQ(resumed, 1);
    wait.resume();
    turn_all(on);
    EXPECT_EQ(resumed, 2);
    EXPECT_FALSE(wait.waiter.suspended());
}

} // namespace sluice

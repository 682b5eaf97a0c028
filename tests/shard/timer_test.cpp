// The timing wheel, against its own clock: nothing fires early, everything fires, whatever is armed and cancelled.
#include <sluice/shard/timer.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <vector>

using namespace std::chrono_literals;
using sluice::duration;
using sluice::time_point;
using sluice::timer;
using sluice::timer_wheel;

namespace {

constexpr duration tick{1 << 20};

struct alarm : timer
{
    alarm() : timer([](timer& t) { static_cast<alarm&>(t).fired = true; }) {}
    time_point when{};
    bool fired = false;
};

TEST(TimerWheel, fires_in_the_first_advance_after_the_time_and_not_before)
{
    timer_wheel wheel{time_point{}};
    alarm a;
    wheel.arm(a, time_point{10ms});
    wheel.advance(time_point{10ms - 1ns});
    EXPECT_FALSE(a.fired);
    wheel.advance(time_point{10ms + tick});
    EXPECT_TRUE(a.fired);
    EXPECT_FALSE(a.armed());
}

TEST(TimerWheel, does_not_fire_what_was_cancelled)
{
    timer_wheel wheel{time_point{}};
    alarm a;
    wheel.arm(a, time_point{10ms});
    wheel.cancel(a);
    wheel.advance(time_point{1h});
    EXPECT_FALSE(a.fired);
    EXPECT_EQ(wheel.next(), sluice::never);
}

TEST(TimerWheel, moves_a_timer_that_is_armed_again)
{
    timer_wheel wheel{time_point{}};
    alarm a;
    wheel.arm(a, time_point{10ms});
    wheel.arm(a, time_point{5min});
    wheel.advance(time_point{1min});
    EXPECT_FALSE(a.fired);
    wheel.advance(time_point{6min});
    EXPECT_TRUE(a.fired);
}

TEST(TimerWheel, says_when_to_come_back_and_never_too_late)
{
    timer_wheel wheel{time_point{}};
    alarm a;
    wheel.arm(a, time_point{75s});
    time_point now{};
    while (!a.fired) { // follows next() as a shard does: hops through the levels, then fires
        ASSERT_LE(wheel.next(), time_point{75s + tick});
        ASSERT_GT(wheel.next(), now);
        now = wheel.next();
        wheel.advance(now);
    }
    EXPECT_GE(now, time_point{75s});
}

TEST(TimerWheel, lets_a_timer_arm_itself_and_others_while_it_fires)
{
    timer_wheel wheel{time_point{}};
    struct repeating : timer
    {
        explicit repeating(timer_wheel& w) : timer(&again), wheel(w) {}
        static void again(timer& t)
        {
            auto& self = static_cast<repeating&>(t);
            if (++self.count < 3) self.wheel.arm(self, time_point{}); // due already: at the next tick
        }
        timer_wheel& wheel;
        int count = 0;
    } r(wheel);
    wheel.arm(r, time_point{1ms});
    wheel.advance(time_point{20ms});
    EXPECT_EQ(r.count, 3);
}

TEST(TimerWheel, keeps_times_beyond_its_reach_until_its_end)
{
    timer_wheel wheel{time_point{}};
    alarm a;
    wheel.arm(a, sluice::never);
    wheel.advance(time_point{24h * 300});
    EXPECT_FALSE(a.fired);
    wheel.cancel(a);
}

TEST(TimerWheel, agrees_with_a_sorted_list_over_random_times)
{
    std::mt19937_64 random(42);
    for (int round = 0; round < 50; ++round) {
        time_point now{duration(static_cast<std::int64_t>(random() % 1'000'000'000'000'000))};
        timer_wheel wheel{now};
        std::vector<std::unique_ptr<alarm>> alarms;
        for (int i = 0; i < 200; ++i) {
            alarms.push_back(std::make_unique<alarm>());
            alarms.back()->when = now + duration(static_cast<std::int64_t>(random() % (1ULL << (20 + random() % 30))));
            wheel.arm(*alarms.back(), alarms.back()->when);
        }
        for (int step = 0; step < 60; ++step) {
            now += duration(static_cast<std::int64_t>(random() % (1ULL << (20 + random() % 30))));
            wheel.advance(now);
            for (const auto& a : alarms) {
                if (a->fired)
                    ASSERT_LE(a->when, now);
                else
                    ASSERT_GT(a->when + 2 * tick, now);
            }
        }
        for (const auto& a : alarms) wheel.cancel(*a);
    }
}

} // namespace

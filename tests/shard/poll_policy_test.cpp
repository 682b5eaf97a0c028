// The polling rule against simulated loads: a load is what a completion costs, in CPU and wall time, either way.
#include "shard/poll_policy.hpp"

#include <gtest/gtest.h>

#include <chrono>

using namespace std::chrono_literals;
using sluice::busy_poll_mode;
using sluice::duration;
using sluice::poll_policy;
using sluice::time_point;

namespace {

duration simulated_cpu{};
duration read_simulated_cpu() noexcept { return simulated_cpu; }

struct way
{
    duration cpu;
    duration wall;
};

// Runs the load for a time, of which only looking for at least `long_enough` finds anything; says in which part of the
// turns the policy did.
double polled_share(poll_policy& policy, time_point& now, duration how_long, way asleep, way polling,
                    duration long_enough = 1us)
{
    const time_point end = now + how_long;
    std::size_t turns = 0;
    std::size_t polled = 0;
    while (now < end) {
        const bool polls = policy.budget() >= long_enough;
        const way& cost = polls ? polling : asleep;
        simulated_cpu += cost.cpu;
        now += cost.wall;
        policy.turn(now, 1);
        ++turns;
        polled += polls;
    }
    return static_cast<double>(polled) / static_cast<double>(turns);
}

TEST(PollPolicy, never_polls_when_off)
{
    poll_policy policy(busy_poll_mode::off);
    time_point now{};
    EXPECT_EQ(polled_share(policy, now, 1s, {10us, 60us}, {1us, 1us}), 0);
}

TEST(PollPolicy, always_polls_for_a_fixed_time)
{
    poll_policy policy(busy_poll_mode::fixed, 30us);
    EXPECT_EQ(policy.budget(), 30us);
    policy.turn(time_point{1h}, 0);
    EXPECT_EQ(policy.budget(), 30us);
}

TEST(PollPolicy, polls_where_a_completion_then_comes_sooner_for_the_same_cpu)
{
    poll_policy policy(busy_poll_mode::automatic, {}, &read_simulated_cpu);
    time_point now{1h};
    polled_share(policy, now, 200ms, {13us, 30us}, {12us, 12us});
    EXPECT_GT(polled_share(policy, now, 2s, {13us, 30us}, {12us, 12us}), 0.9);
}

TEST(PollPolicy, polls_longer_where_only_that_finds_anything)
{
    poll_policy policy(busy_poll_mode::automatic, {}, &read_simulated_cpu);
    time_point now{1h};
    polled_share(policy, now, 200ms, {18us, 47us}, {24us, 24us}, 100us);
    EXPECT_GT(polled_share(policy, now, 2s, {18us, 47us}, {24us, 24us}, 100us), 0.9);
}

TEST(PollPolicy, sleeps_where_polling_costs_more_and_brings_nothing)
{
    poll_policy policy(busy_poll_mode::automatic, {}, &read_simulated_cpu);
    time_point now{1h};
    polled_share(policy, now, 200ms, {3us, 3750ns}, {3700ns, 3750ns});
    EXPECT_LT(polled_share(policy, now, 4s, {3us, 3750ns}, {3700ns, 3750ns}), 0.02);
}

TEST(PollPolicy, makes_no_trial_under_a_light_load)
{
    poll_policy policy(busy_poll_mode::automatic, {}, &read_simulated_cpu);
    time_point now{1h};
    EXPECT_EQ(polled_share(policy, now, 5s, {13us, 1ms}, {13us, 1ms}), 0);
}

TEST(PollPolicy, changes_its_mind_when_the_load_changes)
{
    poll_policy policy(busy_poll_mode::automatic, {}, &read_simulated_cpu);
    time_point now{1h};
    polled_share(policy, now, 1s, {13us, 30us}, {12us, 12us});
    polled_share(policy, now, 1s, {3us, 3750ns}, {3700ns, 3750ns});
    EXPECT_LT(polled_share(policy, now, 1s, {3us, 3750ns}, {3700ns, 3750ns}), 0.05);
    polled_share(policy, now, 1s, {13us, 30us}, {12us, 12us});
    EXPECT_GT(polled_share(policy, now, 1s, {13us, 30us}, {12us, 12us}), 0.9);
}

} // namespace

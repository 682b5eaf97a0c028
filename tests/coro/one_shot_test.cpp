#include "run.hpp"

#include <sluice/coro/one_shot.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>

namespace sluice {

namespace {

using answer = one_shot<std::unique_ptr<int>>;

// "7", or the name of the error; nothing while it waits.
task<> wait(answer& for_it, std::optional<std::string>& out)
{
    const auto got = co_await for_it.wait();
    out = got ? std::to_string(**got) : std::string(name(got.error().code));
}

} // namespace

TEST(OneShot, hands_a_value_to_its_waiter)
{
    executor on;
    scope tasks;
    answer value;
    std::optional<std::string> got;
    tasks.spawn(wait(value, got));
    turn_all(on);
    EXPECT_FALSE(got);
    EXPECT_TRUE(value.set(std::make_unique<int>(7)));
    EXPECT_FALSE(got);
    turn_all(on);
    EXPECT_EQ(got, "7");
    EXPECT_FALSE(value.abandoned());
}

TEST(OneShot, keeps_a_value_that_comes_before_its_waiter)
{
    executor on;
    scope tasks;
    answer value;
    std::optional<std::string> got;
    EXPECT_TRUE(value.set(std::make_unique<int>(7)));
    tasks.spawn(wait(value, got));
    EXPECT_EQ(got, "7");
}

TEST(OneShot, the_first_result_counts)
{
    executor on;
    scope tasks;
    answer value;
    std::optional<std::string> got;
    tasks.spawn(wait(value, got));
    EXPECT_TRUE(value.set(fail(errc::timeout)));
    EXPECT_FALSE(value.set(std::make_unique<int>(7)));
    turn_all(on);
    EXPECT_EQ(got, "timeout");
    EXPECT_FALSE(value.set(std::make_unique<int>(8)));
}

TEST(OneShot, its_waiter_leaves_when_its_context_stops)
{
    executor on;
    scope tasks;
    stop_source stop;
    context request{.trace = {}, .stop = &stop};
    answer value;
    std::optional<std::string> got;
    tasks.spawn(wait(value, got), &request);
    stop.request();
    EXPECT_TRUE(value.abandoned());
    turn_all(on);
    EXPECT_EQ(got, "cancelled");
    EXPECT_FALSE(value.set(std::make_unique<int>(7)));
}

TEST(OneShot, a_value_that_is_already_there_wins_over_a_stop)
{
    executor on;
    scope tasks;
    stop_source stop;
    context request{.trace = {}, .stop = &stop};
    answer value;
    std::optional<std::string> got;
    tasks.spawn(wait(value, got), &request);
    value.set(std::make_unique<int>(7));
    stop.request();
    turn_all(on);
    EXPECT_EQ(got, "7");
    EXPECT_FALSE(value.abandoned());
}

TEST(OneShot, does_not_wait_within_a_request_that_was_stopped_before)
{
    executor on;
    scope tasks;
    stop_source stop;
    stop.request();
    context request{.trace = {}, .stop = &stop};
    answer value;
    std::optional<std::string> got;
    tasks.spawn(wait(value, got), &request);
    turn_all(on);
    EXPECT_EQ(got, "cancelled");
}

} // namespace sluice

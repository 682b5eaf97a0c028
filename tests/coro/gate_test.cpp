#include "run.hpp"

#include <sluice/coro/gate.hpp>

#include <gtest/gtest.h>

namespace sluice {

namespace {

task<> close(gate& of, bool& closed)
{
    co_await of.close();
    closed = true;
}

} // namespace

TEST(Gate, counts_who_is_inside)
{
    gate door;
    {
        const auto first = door.enter();
        auto second = door.enter();
        EXPECT_TRUE(first && second);
        EXPECT_EQ(door.inside(), 2U);
        const auto moved = std::move(second);
        EXPECT_FALSE(second);
        EXPECT_EQ(door.inside(), 2U);
    }
    EXPECT_EQ(door.inside(), 0U);
}

TEST(Gate, refuses_newcomers_once_it_closes_and_waits_for_those_inside)
{
    executor on;
    scope tasks;
    gate door;
    bool closed = false;
    auto inside = door.enter();
    tasks.spawn(close(door, closed));
    EXPECT_TRUE(door.closed());
    EXPECT_FALSE(door.enter());
    turn_all(on);
    EXPECT_FALSE(closed);
    inside = gate::holder();
    turn_all(on);
    EXPECT_TRUE(closed);
    EXPECT_FALSE(door.enter());
}

TEST(Gate, closes_at_once_when_nobody_is_inside)
{
    executor on;
    scope tasks;
    gate door;
    bool closed = false;
    tasks.spawn(close(door, closed));
    EXPECT_TRUE(closed);
}

TEST(Gate, must_be_empty_when_it_dies)
{
    EXPECT_DEATH(
        {
            gate::holder outlives;
            gate door;
            outlives = door.enter();
        },
        "assertion failed: inside_ == 0");
}

} // namespace sluice

#include <sluice/coro/stop.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace sluice {

namespace {

struct counting : stop_callback
{
    counting() : stop_callback(&count) {}
    static void count(stop_callback& self) { ++static_cast<counting&>(self).calls; }
    int calls = 0;
};

} // namespace

TEST(Stop, tells_everyone_once)
{
    stop_source source;
    counting first, second;
    source.add(first);
    source.add(second);
    EXPECT_FALSE(source.requested());
    source.request();
    source.request();
    EXPECT_TRUE(source.requested());
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(second.calls, 1);
}

TEST(Stop, tells_who_comes_later_at_once)
{
    stop_source source;
    source.request();
    counting late;
    source.add(late);
    EXPECT_EQ(late.calls, 1);
    EXPECT_FALSE(late.linked());
}

TEST(Stop, does_not_tell_who_left)
{
    stop_source source;
    counting left, stayed;
    source.add(left);
    source.add(stayed);
    left.unlink();
    source.request();
    EXPECT_EQ(left.calls, 0);
    EXPECT_EQ(stayed.calls, 1);
}

TEST(Stop, a_callback_may_destroy_itself)
{
    struct dying : stop_callback
    {
        dying() : stop_callback(&die) {}
        static void die(stop_callback& self) { delete static_cast<dying*>(&self); }
    };
    stop_source source;
    source.add(*std::make_unique<dying>().release());
    counting other;
    source.add(other);
    source.request();
    EXPECT_EQ(other.calls, 1);
}

TEST(Stop, can_be_used_again)
{
    stop_source source;
    source.request();
    source.reset();
    counting next;
    source.add(next);
    EXPECT_EQ(next.calls, 0);
    source.request();
    EXPECT_EQ(next.calls, 1);
}

} // namespace sluice

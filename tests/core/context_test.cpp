#include <sluice/core/context.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace sluice {

TEST(Context, is_null_until_one_is_set_and_gives_back_the_one_before)
{
    context outer;
    context inner;
    EXPECT_EQ(context::current(), nullptr);
    EXPECT_EQ(context::exchange_current(&outer), nullptr);
    EXPECT_EQ(context::exchange_current(&inner), &outer);
    EXPECT_EQ(context::current(), &inner);
    EXPECT_EQ(context::exchange_current(nullptr), &inner);
}

TEST(Context, belongs_to_its_thread)
{
    context mine;
    context::exchange_current(&mine);
    std::thread([] { EXPECT_EQ(context::current(), nullptr); }).join();
    EXPECT_EQ(context::current(), &mine);
    context::exchange_current(nullptr);
}

} // namespace sluice

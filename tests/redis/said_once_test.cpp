#include "redis/said_once.hpp"

#include <gtest/gtest.h>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{};

TEST(SaidOnce, says_a_reason_again_when_a_minute_has_passed)
{
    said_once said;
    EXPECT_TRUE(said.is_news("NOPERM", start));
    EXPECT_FALSE(said.is_news("NOPERM", start));
    EXPECT_FALSE(said.is_news("NOPERM", start + 60s - 1ns));
    EXPECT_TRUE(said.is_news("NOPERM", start + 60s));
    EXPECT_FALSE(said.is_news("NOPERM", start + 61s));
    said.forget();
    EXPECT_TRUE(said.is_news("NOPERM", start + 61s));
}

TEST(SaidOnce, says_each_of_several_that_take_turns_once)
{
    said_once said;
    int news = 0;
    for (int i = 0; i < 100; ++i)
        for (const char* why : {"NOPERM", "ERR", "WRONGTYPE"}) news += said.is_news(why, start + i * 1ms) ? 1 : 0;
    EXPECT_EQ(news, 3);
}

TEST(SaidOnce, has_a_bound_on_what_it_says_in_a_minute)
{
    said_once said;
    std::size_t news = 0;
    for (int i = 0; i < 1000; ++i) news += said.is_news(std::to_string(i), start + i * 1ms) ? 1 : 0;
    EXPECT_EQ(news, said_once::reasons_max);
    EXPECT_TRUE(said.is_news("another", start + 60s));
}

} // namespace
} // namespace sluice::redis

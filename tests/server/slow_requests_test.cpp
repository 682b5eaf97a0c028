// Which requests are kept for people who watch, and for how long.
#include "server/slow_requests.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;

struct SlowRequests : ::testing::Test
{
    static time_point at(duration since_start) { return time_point(1h) + since_start; }
    // As the session does it.
    void ended(duration took, duration when)
    {
        if (!all.wants(took, at(when))) return;
        slow_request one;
        one.matched = reinterpret_cast<const route*>(this); // any but null
        one.ended_at = at(when);
        one.took = took;
        all.keep(one);
    }
    [[nodiscard]] std::vector<duration> kept() const
    {
        std::vector<duration> took;
        for (const slow_request& one : all.all())
            if (one.matched != nullptr) took.push_back(one.took);
        std::ranges::sort(took);
        return took;
    }

    slow_requests all;
};

TEST_F(SlowRequests, are_the_slowest_in_whatever_order_they_come)
{
    for (int i = 0; i < 100; ++i) ended(1ms * (i * 37 % 100), 1ms * i);
    std::vector<duration> slowest;
    for (int i = 84; i < 100; ++i) slowest.emplace_back(1ms * i);
    EXPECT_EQ(kept(), slowest);
    EXPECT_FALSE(all.wants(84ms, at(1s)));
    EXPECT_TRUE(all.wants(85ms, at(1s)));
}

TEST_F(SlowRequests, give_up_their_places_one_by_one_when_their_minute_is_over)
{
    for (int i = 0; i < 16; ++i) ended(1s, 1s * i);
    ended(2s, 30s); // in the place of one of them
    ended(1ms, 59s);
    EXPECT_EQ(std::ranges::count(kept(), 1ms), 0) << "none was old";
    for (int i = 0; i < 15; ++i) {
        ended(1ms, slow_requests::memory + 1s * (i + 1));
        EXPECT_EQ(std::ranges::count(kept(), 1ms), i + 1);
        EXPECT_FALSE(all.wants(1ms, at(slow_requests::memory + 1s * (i + 1))));
    }
    EXPECT_EQ(std::ranges::count(kept(), 2s), 1);
}

} // namespace
} // namespace sluice

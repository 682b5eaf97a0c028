#include "shard/back_off.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

// Between half and all of 20 ms · 2ⁿ, and never more than the cap, however long there has been nobody.
TEST(BackOff, doubles_with_each_failure_up_to_its_cap_and_never_twice_the_same)
{
    for (const unsigned failures : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 10U, 31U, 32U, 1000U, ~0U}) {
        SCOPED_TRACE(failures);
        const duration whole = failures < 5 ? back_off_min * (1 << failures) : back_off_max;
        std::set<duration> seen;
        for (int i = 0; i < 1000; ++i) {
            const duration one = back_off(failures);
            EXPECT_GE(one, whole / 2);
            EXPECT_LE(one, whole);
            seen.insert(one);
        }
        EXPECT_GT(seen.size(), 900U);
        EXPECT_GT(*seen.rbegin() - *seen.begin(), whole / 4) << "spread over its half";
    }
}

} // namespace
} // namespace sluice

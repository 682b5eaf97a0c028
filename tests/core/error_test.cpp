#include <sluice/core/assert.hpp>
#include <sluice/core/error.hpp>

#include <gtest/gtest.h>

#include <set>

namespace sluice {

TEST(Error, every_code_has_a_name_of_its_own)
{
    std::set<std::string_view> names;
    for (unsigned code = 0; code <= static_cast<unsigned>(errc::internal); ++code) {
        const std::string_view given = name(static_cast<errc>(code));
        EXPECT_NE(given, "unknown");
        EXPECT_TRUE(names.insert(given).second) << given;
    }
}

TEST(Error, says_whether_trying_again_can_help)
{
    EXPECT_TRUE(error{.code = errc::unavailable}.retryable());
    EXPECT_TRUE(error{.code = errc::too_many_requests}.retryable());
    EXPECT_FALSE(error{.code = errc::outcome_unknown}.retryable());
    EXPECT_FALSE(error{.code = errc::conflict}.retryable());
}

TEST(Error, fail_makes_a_result_that_holds_it)
{
    const result<int> failed = fail(errc::not_found, "User 7 not found");
    ASSERT_FALSE(failed.has_value());
    EXPECT_EQ(failed.error().code, errc::not_found);
    EXPECT_EQ(failed.error().detail, "User 7 not found");
}

TEST(Assert, stops_the_process_and_names_what_was_broken)
{
    SLUICE_ASSERT(1 + 1 == 2);
    EXPECT_DEATH(SLUICE_ASSERT(1 + 1 == 3), "error_test.cpp:[0-9]+: assertion failed: 1 \\+ 1 == 3");
}

} // namespace sluice

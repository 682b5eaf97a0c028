#include "json/numbers.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::json_detail {
namespace {

std::string held(std::string_view text) { return std::string(hold_large_numbers(text).text); }

TEST(JsonNumbers, leaves_what_can_be_held)
{
    for (const std::string_view text :
         {"[0,-0,1.5e300,9223372036854775807,18446744073709551615,-9223372036854775808]", "\"1e999\"",
          R"({"a\"1e999":"\\","b":"1e999"})", "1e-999", "0.0000001e-400", "0e999"})
        EXPECT_EQ(held(text), text);
}

TEST(JsonNumbers, makes_a_double_of_an_integer_beyond_64_bits)
{
    EXPECT_EQ(held("[18446744073709551616,-9223372036854775809]"), "[18446744073709551616e0,-9223372036854775809e0]");
}

TEST(JsonNumbers, replaces_what_no_double_holds)
{
    EXPECT_EQ(held("[1e309,-1e309,1E+400,0.1e310,1e99999999999999999999]"), "[1e308,1e308,1e308,1e308,1e308]");
    EXPECT_EQ(held("1" + std::string(309, '0')), "1e308");
}

TEST(JsonNumbers, tells_a_number_that_stands_for_another)
{
    EXPECT_TRUE(hold_large_numbers("[1e308,1e309]").beyond);
    EXPECT_TRUE(hold_large_numbers("[12e9223372036854775807]").beyond);
    EXPECT_FALSE(hold_large_numbers("[0.1e-9223372036854775807]").beyond);
    EXPECT_FALSE(hold_large_numbers("[1e308,18446744073709551616]").beyond);
}

TEST(JsonNumbers, takes_the_tiny_for_what_they_are)
{
    const std::string tiny = "0." + std::string(400, '0') + "1";
    EXPECT_EQ(held(tiny), tiny);
    EXPECT_EQ(held("1e-99999999999999999999"), "1e-99999999999999999999");
}

TEST(JsonNumbers, leaves_what_is_malformed)
{
    for (const std::string_view text :
         {"01e999", "1e999.5", "-", "1e", "+1e999", "1.e999", "--1e999", "99999999999999999999999x", "\"\\"})
        EXPECT_EQ(held(text).substr(0, 2), text.substr(0, 2));
    EXPECT_EQ(held("01e999"), "01e999");
    EXPECT_EQ(held("1e999.5"), "1e999.5");
}

} // namespace
} // namespace sluice::json_detail

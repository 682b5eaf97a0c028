#include <sluice/core/units.hpp>

#include <gtest/gtest.h>

namespace sluice {

using namespace std::chrono_literals;

TEST(Units, reads_sizes)
{
    EXPECT_EQ(parse_bytes("64KiB"), bytes(65'536));
    EXPECT_EQ(parse_bytes("1MiB"), bytes(1'048'576));
    EXPECT_EQ(parse_bytes("2GiB"), bytes(2'147'483'648));
    EXPECT_EQ(parse_bytes("12B"), bytes(12));
    EXPECT_EQ(parse_bytes("12"), bytes(12));
    EXPECT_EQ(parse_bytes("0"), bytes(0));
    EXPECT_EQ(parse_bytes("18446744073709551615"), bytes(UINT64_MAX));
}

TEST(Units, reads_durations)
{
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("2s"), 2s);
    EXPECT_EQ(parse_duration("5m"), 5min);
    EXPECT_EQ(parse_duration("100us"), 100us);
    EXPECT_EQ(parse_duration("1h"), 1h);
    EXPECT_EQ(parse_duration("0"), 0s);
    EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Units, refuses_what_is_not_a_whole_number_and_a_unit)
{
    for (std::string_view text : {"", "KiB", "-1", "+1", " 1", "1 ", "1 KiB", "1.5MiB", "1kib", "1KB", "1K", "0x10",
                                  "18446744073709551616", "17179869184GiB"})
        EXPECT_FALSE(parse_bytes(text)) << text;
    for (std::string_view text : {"", "s", "5", "-5s", "+5s", "1.5s", "5 s", "5S", "5sec", "5d", "5ns",
                                  "9223372036855s", "99999999999999999999s"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, writes_the_largest_unit_that_is_exact)
{
    EXPECT_EQ(to_string(bytes(0)), "0");
    EXPECT_EQ(to_string(bytes(65'536)), "64KiB");
    EXPECT_EQ(to_string(bytes(65'537)), "65537B");
    EXPECT_EQ(to_string(bytes(1ULL << 30U)), "1GiB");
    EXPECT_EQ(to_string(duration(0)), "0");
    EXPECT_EQ(to_string(duration(250ms)), "250ms");
    EXPECT_EQ(to_string(duration(90s)), "90s");
    EXPECT_EQ(to_string(duration(60s)), "1m");
    EXPECT_EQ(to_string(duration(1500us)), "1500us");
}

TEST(Units, reads_back_what_it_writes)
{
    for (std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1023}, std::uint64_t{1024},
                                std::uint64_t{1} << 40U, UINT64_MAX})
        EXPECT_EQ(parse_bytes(to_string(bytes(value))), bytes(value));
    for (duration value : {duration(0), duration(1us), duration(59s), duration(61min), duration(24h)})
        EXPECT_EQ(parse_duration(to_string(value)), value);
}

} // namespace sluice

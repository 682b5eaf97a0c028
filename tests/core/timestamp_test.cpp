#include <sluice/core/timestamp.hpp>

#include <gtest/gtest.h>

namespace sluice {

namespace {

std::string reread(std::string_view text)
{
    const auto read = parse_timestamp(text);
    return read ? to_string(*read) : "refused";
}

} // namespace

TEST(Timestamp, is_written_in_utc_with_microseconds)
{
    EXPECT_EQ(to_string(timestamp()), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(to_string(timestamp(std::chrono::microseconds(1'769'860'800'000'001))), "2026-01-31T12:00:00.000001Z");
    EXPECT_EQ(to_string(timestamp(std::chrono::microseconds(-1))), "1969-12-31T23:59:59.999999Z");
}

TEST(Timestamp, stays_27_characters_at_the_ends_of_time)
{
    EXPECT_EQ(to_string(timestamp::max()), "9999-12-31T23:59:59.999999Z");
    EXPECT_EQ(to_string(timestamp::min()), "0000-01-01T00:00:00.000000Z");
}

TEST(Timestamp, reads_back_what_it_writes)
{
    for (std::int64_t count = -60'000'000'000'000'000; count < 250'000'000'000'000'000; count += 777'777'777'777'777) {
        const timestamp time{std::chrono::microseconds(count)};
        ASSERT_EQ(parse_timestamp(to_string(time)), time) << to_string(time);
    }
}

TEST(Timestamp, reads_offsets_and_fractions)
{
    EXPECT_EQ(reread("2026-01-31T12:00:00Z"), "2026-01-31T12:00:00.000000Z");
    EXPECT_EQ(reread("2026-01-31t12:00:00z"), "2026-01-31T12:00:00.000000Z");
    EXPECT_EQ(reread("2026-01-31T12:00:00.5Z"), "2026-01-31T12:00:00.500000Z");
    EXPECT_EQ(reread("2026-01-31T12:00:00.123456789Z"), "2026-01-31T12:00:00.123456Z");
    EXPECT_EQ(reread("2026-01-01T00:30:00+01:45"), "2025-12-31T22:45:00.000000Z");
    EXPECT_EQ(reread("2026-01-01T00:30:00-00:30"), "2026-01-01T01:00:00.000000Z");
    EXPECT_EQ(reread("2024-02-29T00:00:00Z"), "2024-02-29T00:00:00.000000Z");
}

TEST(Timestamp, reads_a_leap_second_only_where_one_can_be)
{
    EXPECT_EQ(reread("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00.000000Z");
    EXPECT_EQ(reread("2016-12-31T15:59:60.5-08:00"), "2017-01-01T00:00:00.500000Z");
    EXPECT_EQ(reread("2016-12-31T22:59:60Z"), "refused");
}

TEST(Timestamp, refuses_everything_else)
{
    for (std::string_view text : {"",
                                  "2026",
                                  "2026-01-31",
                                  "2026-01-31T12:00:00",
                                  "2026-01-31 12:00:00Z",
                                  "2026-01-31T12:00Z",
                                  "2026-13-01T00:00:00Z",
                                  "2026-00-01T00:00:00Z",
                                  "2026-02-29T00:00:00Z",
                                  "2026-01-32T00:00:00Z",
                                  "2026-01-31T24:00:00Z",
                                  "2026-01-31T12:60:00Z",
                                  "2026-01-31T12:00:61Z",
                                  "2026-01-31T12:00:00.Z",
                                  "2026-01-31T12:00:00.1234567890Z",
                                  "2026-01-31T12:00:00+24:00",
                                  "2026-01-31T12:00:00+01:60",
                                  "2026-01-31T12:00:00+0100",
                                  "2026-01-31T12:00:00Zx",
                                  "2026-01-31T12:00:00ZZ",
                                  " 2026-01-31T12:00:00Z",
                                  "2026-1-31T12:00:00Z",
                                  "-026-01-31T12:00:00Z",
                                  "2026-01-31T12:00:00,5Z",
                                  "2o26-01-31T12:00:00Z"})
        EXPECT_EQ(reread(text), "refused") << text;
}

} // namespace sluice

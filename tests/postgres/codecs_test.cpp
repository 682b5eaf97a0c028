// The binary form of each type, byte by byte, without a server.
#include "../server/kept_lines.hpp"
#include "results.hpp"

#include <sluice/postgres/fields.hpp>
#include <sluice/postgres/parameters.hpp>

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using std::chrono::sys_days;

template <class T> std::string bytes_of(const T& value)
{
    const parameters p = parameters::of(value);
    if (p.count() != 1 || p.formats()[0] != 1) return "(not one binary value)";
    return p.values()[0] == nullptr ? "(null)" : std::string(p.values()[0], static_cast<std::size_t>(p.lengths()[0]));
}
template <class T> unsigned type_of(const T& value) { return parameters::of(value).types()[0]; }

TEST(Encoding, numbers_are_in_network_byte_order)
{
    EXPECT_EQ(bytes_of(true), "\x01"sv);
    EXPECT_EQ(bytes_of(false), "\0"sv);
    EXPECT_EQ(bytes_of(std::int16_t{0x0102}), "\x01\x02"sv);
    EXPECT_EQ(bytes_of(std::int32_t{-2}), "\xff\xff\xff\xfe"sv);
    EXPECT_EQ(bytes_of(std::int64_t{0x0102030405060708}), "\1\2\3\4\5\6\7\x08"sv);
    EXPECT_EQ(bytes_of(std::numeric_limits<std::int64_t>::min()), "\x80\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(bytes_of(1.5F), "\x3f\xc0\0\0"sv);
    EXPECT_EQ(bytes_of(-0.0), "\x80\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(type_of(true), 16U);
    EXPECT_EQ(type_of(std::int16_t{}), 21U);
    EXPECT_EQ(type_of(std::int32_t{}), 23U);
    EXPECT_EQ(type_of(std::int64_t{}), 20U);
    EXPECT_EQ(type_of(1LL), 20U);
    EXPECT_EQ(type_of(0.5F), 700U);
    EXPECT_EQ(type_of(0.5), 701U);
}

TEST(Encoding, texts_and_bytes_are_themselves)
{
    EXPECT_EQ(bytes_of("Ada"), "Ada");
    EXPECT_EQ(bytes_of(std::string("")), "");
    EXPECT_EQ(bytes_of(pooled_string("Zo\xc3\xab")), "Zo\xc3\xab");
    EXPECT_EQ(bytes_of(bytea{"\0\xff"sv}), "\0\xff"sv);
    EXPECT_EQ(bytes_of(json_text{"{}"}), "\x01{}");
    EXPECT_EQ(bytes_of(uuid::parse("00112233-4455-6677-8899-aabbccddeeff").value()),
              "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"sv);
    EXPECT_EQ(type_of("Ada"), 25U);
    EXPECT_EQ(type_of(bytea{}), 17U);
    EXPECT_EQ(type_of(json_text{}), 3802U);
    EXPECT_EQ(type_of(uuid()), 2950U);
}

TEST(Encoding, times_count_from_the_year_2000)
{
    EXPECT_EQ(bytes_of(timestamp(sys_days(2000y / 1 / 1))), "\0\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(bytes_of(timestamp(sys_days(2000y / 1 / 1)) - 1us), "\xff\xff\xff\xff\xff\xff\xff\xff"sv);
    EXPECT_EQ(bytes_of(timestamp()), "\xff\xfc\xa2\xfe\xc4\xc8\x20\0"sv);
    EXPECT_EQ(bytes_of(date(2000y / 1 / 2)), "\0\0\0\1"sv);
    EXPECT_EQ(bytes_of(date(1999y / 12 / 31)), "\xff\xff\xff\xff"sv);
    EXPECT_EQ(type_of(timestamp()), 1184U);
    EXPECT_EQ(type_of(date()), 1082U);
}

TEST(Encoding, infinite_times_are_the_largest_and_the_smallest_numbers)
{
    EXPECT_EQ(bytes_of(timestamp::max()), "\x7f\xff\xff\xff\xff\xff\xff\xff"sv);
    EXPECT_EQ(bytes_of(timestamp::min()), "\x80\0\0\0\0\0\0\0"sv);
    EXPECT_EQ(bytes_of(date::max()), "\x7f\xff\xff\xff"sv);
    EXPECT_EQ(bytes_of(date::min()), "\x80\0\0\0"sv);
}

TEST(Encoding, a_finite_time_never_becomes_infinite)
{
    EXPECT_EQ(bytes_of(timestamp::min() + 1us), "\x80\0\0\0\0\0\0\1"sv);
    EXPECT_NE(bytes_of(timestamp::max() - 1us), bytes_of(timestamp::max()));
    EXPECT_EQ(bytes_of(date::max() - std::chrono::days(1)), "\x7f\xff\xff\xfe"sv);
    EXPECT_EQ(bytes_of(date::min() + std::chrono::days(1)), "\x80\0\0\1"sv);
}

TEST(Encoding, arrays_say_dimension_nulls_type_length_and_start)
{
    EXPECT_EQ(bytes_of(std::vector<std::int16_t>{7}), "\0\0\0\1"
                                                      "\0\0\0\0"
                                                      "\0\0\0\x15"
                                                      "\0\0\0\1"
                                                      "\0\0\0\1"
                                                      "\0\0\0\2"
                                                      "\0\7"sv);
    EXPECT_EQ(bytes_of(std::vector<std::optional<std::string_view>>{"a", {}}), "\0\0\0\1"
                                                                               "\0\0\0\1"
                                                                               "\0\0\0\x19"
                                                                               "\0\0\0\2"
                                                                               "\0\0\0\1"
                                                                               "\0\0\0\1"
                                                                               "a"
                                                                               "\xff\xff\xff\xff"sv);
    EXPECT_EQ(bytes_of(std::vector<bool>()), "\0\0\0\0\0\0\0\0\0\0\0\x10"sv);
    EXPECT_EQ(type_of(std::vector<std::int64_t>()), 1016U);
    EXPECT_EQ(type_of(std::array{1, 2}), 1007U);
    EXPECT_EQ(type_of(std::span<const uuid>()), 2951U);
}

TEST(Encoding, nulls_have_the_type_of_what_they_could_be)
{
    const parameters p = parameters::of(std::optional<std::int32_t>(), std::nullopt, std::optional("x"sv));
    ASSERT_EQ(p.count(), 3);
    EXPECT_EQ(p.types()[0], 23U);
    EXPECT_EQ(p.types()[1], 0U);
    EXPECT_EQ(p.types()[2], 25U);
    EXPECT_EQ(p.values()[0], nullptr);
    EXPECT_EQ(p.values()[1], nullptr);
    EXPECT_EQ("x"sv, std::string_view(p.values()[2], static_cast<std::size_t>(p.lengths()[2])));
}

TEST(Encoding, parameters_outlive_what_they_came_from_and_can_be_moved)
{
    parameters p;
    EXPECT_EQ(p.count(), 0);
    {
        const std::string gone(1000, 'g');
        p = parameters::of(std::int64_t{1}, gone);
    }
    const parameters moved = std::move(p);
    ASSERT_EQ(moved.count(), 2);
    EXPECT_EQ(std::string_view(moved.values()[1], static_cast<std::size_t>(moved.lengths()[1])),
              std::string(1000, 'g'));
    EXPECT_EQ(parameters::of().count(), 0);
}

TEST(Encoding, a_text_with_NUL_is_refused_and_names_the_member)
{
    EXPECT_EQ(parameters::of("fine", bytea{"\0"sv}).refusal(), std::nullopt);
    const auto refused = parameters::of("fine", member("/name", "a\0b"sv)).refusal();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::invalid);
    ASSERT_EQ(refused->violations.size(), 1U);
    EXPECT_EQ(refused->violations[0].pointer, "/name");
    EXPECT_TRUE(parameters::of(std::vector{"a"sv, "\0"sv}).refusal());
    EXPECT_TRUE(parameters::of(json_text{"\0"sv}).refusal());
}

TEST(Encoding, an_error_about_a_parameter_names_the_member_that_it_was)
{
    const std::optional<std::int32_t> age = 3;
    const parameters p = parameters::of(std::int32_t{1}, member("/age", age));
    EXPECT_EQ(p.invalid(1, "is out of range").violations, (std::vector<violation>{{"/age", "is out of range"}}));
    EXPECT_TRUE(p.invalid(0, "is out of range").violations.empty());
    EXPECT_TRUE(p.invalid(9, "is out of range").violations.empty());
    EXPECT_TRUE(parameters().invalid(0, "").violations.empty());
}

// --- Reading.

template <class T> T read(type_id type, std::optional<std::string_view> cell)
{
    const rows found = test::one_cell(type, cell);
    return found[0].get<T>(0);
}

TEST(Decoding, gives_back_what_was_encoded)
{
    const auto same = [](const auto& value) {
        using T = std::remove_cvref_t<decltype(value)>;
        EXPECT_EQ(read<T>(type_id{type_of(value)}, bytes_of(value)), value);
    };
    same(true);
    same(std::int16_t{-3});
    same(std::numeric_limits<std::int32_t>::min());
    same(std::numeric_limits<std::int64_t>::max());
    same(std::numbers::pi_v<float>);
    same(-std::numeric_limits<double>::infinity());
    same(std::string("text"));
    same(pooled_string(""));
    same(uuid::make_v7(timestamp()));
    same(timestamp(sys_days(1969y / 7 / 20)) + 1us);
    same(timestamp::max());
    same(timestamp::min());
    same(date(1582y / 10 / 15));
    same(date::max());
    same(date::min());
    same(std::vector<std::int32_t>{1, -2, 3});
    same(std::vector<std::string>());
    same(pooled_vector<std::optional<timestamp>>{timestamp(), std::nullopt, timestamp::max()});
    same(std::vector<bool>{true, false});
}

TEST(Decoding, views_point_into_the_result)
{
    const rows found = test::one_cell(type_id::text, "views");
    const auto view = found[0].get<std::string_view>(0);
    EXPECT_EQ(view, "views");
    EXPECT_EQ(view.data(), found[0].get<std::string_view>(0).data());
    EXPECT_EQ(read<std::string>(type_id::varchar, "v"), "v");
    EXPECT_EQ(read<std::string>(type_id::bpchar, "c "), "c ");
    EXPECT_EQ(read<std::string>(type_id{16385}, "an enum's"), "an enum's");
    const rows json = test::one_cell(type_id::jsonb, "\x01[1]");
    EXPECT_EQ(json[0].get<json_text>(0).text, "[1]");
    const rows plain = test::one_cell(type_id::json, "[1]");
    EXPECT_EQ(plain[0].get<json_text>(0).text, "[1]");
    const rows raw = test::one_cell(type_id::bytea, "\0\1"sv);
    EXPECT_EQ(raw[0].get<bytea>(0).bytes, "\0\1"sv);
}

TEST(Decoding, takes_narrower_numbers_for_wider_ones)
{
    EXPECT_EQ(read<std::int64_t>(type_id::int2, "\xff\xfe"), -2);
    EXPECT_EQ(read<std::int32_t>(type_id::int2, "\0\2"sv), 2);
    EXPECT_EQ(read<std::int64_t>(type_id::int4, "\xff\xff\xff\xfd"), -3);
    EXPECT_EQ(read<double>(type_id::float4, "\x3f\xc0\0\0"sv), 1.5);
}

TEST(Decoding, null_is_no_value_or_the_empty_one)
{
    EXPECT_EQ(read<std::optional<std::int32_t>>(type_id::int4, std::nullopt), std::nullopt);
    EXPECT_EQ(read<std::int32_t>(type_id::int4, std::nullopt), 0);
    EXPECT_EQ(read<std::optional<std::string>>(type_id::text, ""), "");
    EXPECT_TRUE(test::one_cell(type_id::text, std::nullopt)[0].is_null(0));
    EXPECT_EQ(read<std::vector<std::int32_t>>(type_id{1007}, bytes_of(std::vector<std::optional<int>>{{}, 5})),
              (std::vector<std::int32_t>{0, 5}));
}

TEST(Decoding, arrays_of_several_dimensions_come_in_a_row)
{
    const std::string_view two_by_one = "\0\0\0\2\0\0\0\0\0\0\0\x15\0\0\0\2\0\0\0\1\0\0\0\1\0\0\0\1"
                                        "\0\0\0\2\0\1\0\0\0\2\0\2"sv;
    EXPECT_EQ(read<std::vector<std::int16_t>>(type_id{1005}, two_by_one), (std::vector<std::int16_t>{1, 2}));
}

TEST(Decoding, a_time_past_the_end_of_ours_is_infinite)
{
    EXPECT_EQ(read<timestamp>(type_id::timestamptz, "\x7f\xff\xff\xff\xff\xff\xff\xfe"), timestamp::max());
    EXPECT_EQ(read<timestamp>(type_id::timestamptz, "\x80\0\0\0\0\0\0\1"sv).time_since_epoch().count(),
              std::numeric_limits<std::int64_t>::min() + 1 + 946'684'800'000'000);
}

TEST(DecodingDeathTest, names_the_column_and_both_types_when_they_do_not_fit)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const rows found = test::one_cell(type_id::int4, "\0\0\0\1"sv, "age");
    EXPECT_DEATH((void)found[0].get<std::string>(0), "column 0 \\('age'\\) is int4 \\(type 23\\) and is read as text");
    EXPECT_DEATH((void)found[0].get<std::int16_t>(0), "is read as int2");
    EXPECT_DEATH((void)found[0].get<uuid>(0), "is read as uuid");
    EXPECT_DEATH((void)found[0].get<int>(1), "column 1 of 1 is read");
    EXPECT_DEATH((void)found[1], "index < size");
}

TEST(DecodingDeathTest, an_array_that_announces_more_than_it_holds_is_read_by_nobody)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const std::string whole = bytes_of(std::vector<std::int32_t>{1, 2});
    for (const std::size_t kept : {std::size_t{0}, std::size_t{11}, std::size_t{20}, whole.size() - 1}) {
        const rows found = test::one_cell(type_id{1007}, whole.substr(0, kept));
        EXPECT_DEATH((void)found[0].get<std::vector<std::int32_t>>(0), "is read as array") << kept;
    }
}

struct person
{
    uuid id;
    pooled_string name;
    std::optional<std::int32_t> age;
};

} // namespace
} // namespace sluice::postgres

template <> struct sluice::fields<sluice::postgres::person>
{
    using person = sluice::postgres::person;
    static constexpr auto list =
        std::tuple{field("id", &person::id), field("name", &person::name), field("age", &person::age)};
};

namespace sluice::postgres {
namespace {

TEST(Rows, become_models_by_their_declared_fields)
{
    const rows found = test::result_of({{type_id::uuid, "id"}, {type_id::text, "name"}, {type_id::int4, "age"}},
                                       {{std::string(16, '\7'), "Ada", std::nullopt},
                                        {std::string(16, '\x08'), "Alan", std::string("\0\0\0\x29", 4)}});
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(read_fields<person>(found[0])->name, "Ada");
    EXPECT_EQ(read_fields<person>(found[0])->age, std::nullopt);
    EXPECT_EQ(read_fields<person>(found[1])->age, 41);
    EXPECT_EQ(read_fields<person>(found[1])->id.bytes[0], 8);
}

TEST(Rows, become_no_models_where_a_column_does_not_fit)
{
    const std::string id(16, '\7');
    const auto refusal = [&](type_id name, std::optional<std::string> text) {
        const rows found = test::result_of({{type_id::uuid, "id"}, {name, "name"}, {type_id::int4, "age"}},
                                           {{id, text, std::nullopt}});
        const auto made = read_fields<person>(found[0]);
        return made ? std::nullopt : std::optional(made.error().code);
    };
    EXPECT_EQ(refusal(type_id::text, "Ada"), std::nullopt);
    EXPECT_EQ(refusal(type_id::jsonb, "\1{}"), errc::unavailable);
    EXPECT_EQ(refusal(type_id::text, std::nullopt), errc::unavailable);
}

TEST(Rows, tell_of_columns_that_do_not_fit_and_take_turns_as_rarely_as_of_one)
{
    const rows found = test::result_of({{type_id::text, "one"}, {type_id::text, "other"}}, {{"a", "b"}});
    sluice::testing::kept_lines lines;
    constexpr std::size_t times = 100;
    std::int32_t number = 0;
    for (std::size_t i = 0; i < times; ++i)
        for (const int column : {0, 1}) EXPECT_FALSE(found[0].read(column, number));
    const auto said = lines.named("A column of PostgreSQL's does not fit");
    EXPECT_GE(said.size(), 2U);
    ASSERT_LT(said.size(), times);
    std::size_t told = said.size();
    for (const auto& line : said) told += std::stoul(line.at("untold"));
    EXPECT_LE(told, 2 * times);
}

TEST(Rows, are_walked_in_their_order_and_may_be_none)
{
    const rows found = test::result_of({{type_id::text, "t"}}, {{"a"}, {"b"}, {"c"}});
    std::string all;
    for (const row one : found) all += one.get<std::string_view>(0);
    EXPECT_EQ(all, "abc");
    EXPECT_TRUE(rows().empty());
    EXPECT_EQ(rows().affected(), 0U);
    rows moved = test::result_of({{type_id::text, "t"}}, {});
    moved = rows();
    EXPECT_EQ(moved.begin(), moved.end());
}

} // namespace
} // namespace sluice::postgres

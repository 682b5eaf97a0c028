#include "models.hpp"

#include <sluice/json/read.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {

void PrintTo(const violation& one, std::ostream* out) { *out << one.pointer << ' ' << one.detail; }

namespace test {
namespace {

using violations = std::vector<violation>;

template <class T> violations refused(std::string_view text)
{
    const auto read = read_json<T>(text);
    if (read) return {{"", "was accepted"}};
    if (read.error().code != errc::invalid) return {{"", "is not JSON: " + read.error().detail}};
    return read.error().violations;
}

bool malformed(std::string_view text)
{
    const auto read = read_json<std::vector<int>>(text);
    return !read && read.error().code == errc::malformed && !read.error().detail.empty();
}

TEST(JsonRead, reads_members_in_any_order)
{
    EXPECT_EQ(*read_json<login>(R"( { "age" : 36 , "name" : "Ada" } )"), (login{"Ada", 36}));
}

TEST(JsonRead, reads_every_kind_of_member)
{
    const auto read = read_json<person>(
        R"({"id":"01890A5D-ac96-774b-bcce-b302099a8057","email":"a\u00e9\ud83d\ude00\n@b","active":true,"balance":-9223372036854775808,
            "level":255,"score":1,"since":"2026-01-31T13:00:00+01:00","role":"admin","nickname":"n","limit":null,
            "home":{"city":"London","codes":[1,65535]},"others":[{"city":"","codes":[]}]})");
    ASSERT_TRUE(read) << read.error().violations.front().pointer;
    EXPECT_EQ(read->id, uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057"));
    EXPECT_EQ(read->email, "a\xC3\xA9\xF0\x9F\x98\x80\n@b");
    EXPECT_TRUE(read->active);
    EXPECT_EQ(read->balance, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(read->level, 255);
    EXPECT_EQ(read->score, 1.0);
    EXPECT_EQ(read->since, parse_timestamp("2026-01-31T12:00:00Z"));
    EXPECT_EQ(read->access, role::admin);
    EXPECT_EQ(read->nickname, "n");
    EXPECT_TRUE(read->limit.null());
    EXPECT_EQ(read->home, (address{"London", {1, 65535}}));
    EXPECT_EQ(read->others, (std::vector<address>{{}}));
}

TEST(JsonRead, refuses_what_is_not_json)
{
    for (const std::string_view text : {"",
                                        " ",
                                        "[1,,2]",
                                        "[1,2,]",
                                        "[,1]",
                                        "[1 2]",
                                        "[1",
                                        "1]",
                                        "[1]]",
                                        "[1] x",
                                        "[1][2]",
                                        "[1],",
                                        "{",
                                        "}",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "[01]",
                                        "[1.]",
                                        "[.5]",
                                        "[+1]",
                                        "[-]",
                                        "[1e]",
                                        "[0x1]",
                                        "[NaN]",
                                        "[tru]",
                                        "[nul]",
                                        "[True]",
                                        "[\"a]",
                                        "[\"\\x\"]",
                                        "[\"\\u12\"]",
                                        "[\"\\ud800\"]",
                                        "[\"\\udc00\"]",
                                        "[\"\\ud800\\u0041\"]",
                                        "[\"\n\"]",
                                        "[\"\xFF\"]",
                                        "[\"\xED\xA0\x80\"]",
                                        "\xEF\xBB\xBF[1]",
                                        "// x\n[1]",
                                        "[1]\xC2\xA0"})
        EXPECT_TRUE(malformed(text)) << text;
    EXPECT_TRUE(malformed(std::string_view("[1]\0", 4)));
    EXPECT_TRUE(malformed(std::string_view("[1\0]", 4)));
}

TEST(JsonRead, refuses_what_follows_a_document_for_a_struct_too)
{
    for (const std::string_view text :
         {R"({"name":"a","age":1} {"name":"b","age":2})", R"({"name":"a","age":1},)", R"({"name":"a",,"age":1})",
          R"({"name":"a","age":1}})", R"({"name":"a" "age":1})"}) {
        const auto read = read_json<login>(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, errc::malformed) << text;
    }
}

TEST(JsonRead, checks_what_it_skips)
{
    const auto read = read_json<login>(R"({"name":"a","age":1,"unknown":[1,,2]})");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, errc::malformed);
}

TEST(JsonRead, bounds_the_depth)
{
    EXPECT_TRUE(malformed(std::string(65, '[') + std::string(65, ']')));
    EXPECT_TRUE(malformed(std::string(100'000, '[')));
    // At the bound it is a document, and of the wrong type.
    EXPECT_EQ(refused<std::string>(std::string(json_depth_max - 1, '[') + std::string(json_depth_max - 1, ']')),
              (violations{{"", "must be a string"}}));
}

TEST(JsonRead, names_every_member_that_is_wrong)
{
    EXPECT_EQ(refused<login>(R"({"name":5,"extra":1,"age":"x"})"),
              (violations{
                  {"/name", "must be a string"}, {"/extra", "is not a known member"}, {"/age", "must be an integer"}}));
    EXPECT_EQ(refused<login>("{}"), (violations{{"/name", "is required"}, {"/age", "is required"}}));
    EXPECT_EQ(refused<login>("[]"), (violations{{"", "must be an object"}}));
    EXPECT_EQ(refused<login>("null"), (violations{{"", "must be an object"}}));
}

TEST(JsonRead, points_into_nested_values)
{
    EXPECT_EQ(refused<page>(R"({"items":[{"name":"a","age":1},{"name":"b","age":true},7]})"),
              (violations{{"/items/1/age", "must be an integer"}, {"/items/2", "must be an object"}}));
    EXPECT_EQ(refused<page>(R"({"items":{}})"), (violations{{"/items", "must be an array"}}));
}

TEST(JsonRead, escapes_names_in_pointers)
{
    EXPECT_EQ(refused<page>(R"({"items":[],"a/b~c":1,"":2})"),
              (violations{{"/a~1b~0c", "is not a known member"}, {"/", "is not a known member"}}));
}

TEST(JsonRead, refuses_a_member_that_is_there_twice)
{
    EXPECT_EQ(refused<login>(R"({"name":"a","age":1,"name":"b"})"), (violations{{"/name", "is there twice"}}));
    // However its name is written.
    EXPECT_EQ(refused<login>(R"({"name":"a","age":1,"\u006eame":"a"})"), (violations{{"/name", "is there twice"}}));
}

TEST(JsonRead, refuses_null_where_a_value_must_be)
{
    EXPECT_EQ(refused<login>(R"({"name":null,"age":null})"),
              (violations{{"/name", "must be a string"}, {"/age", "must be an integer"}}));
    EXPECT_EQ(refused<page>(R"({"items":[],"next_cursor":null})"), (violations{{"/next_cursor", "must be a string"}}));
    EXPECT_TRUE(read_json<page>(R"({"items":[]})"));
}

TEST(JsonRead, tells_absent_from_null_in_a_patch)
{
    struct
    {
        std::string_view text;
        bool absent, null;
    } const cases[] = {{R"({})", true, false}, {R"({"limit":null})", false, true}, {R"({"limit":-5})", false, false}};
    for (const auto& [text, absent, null] : cases) {
        patch_field<std::int32_t> limit;
        const auto document = parse_json(text);
        ASSERT_TRUE(document);
        auto members = document->object();
        std::string_view name;
        json_value value;
        std::vector<violation> wrong;
        while (members->next(name, value)) json_detail::read_value(value, limit, json_detail::place{wrong});
        EXPECT_EQ(limit.absent(), absent) << text;
        EXPECT_EQ(limit.null(), null) << text;
        EXPECT_EQ(limit.has_value(), !absent && !null) << text;
    }
}

TEST(JsonRead, keeps_integers_in_their_range)
{
    EXPECT_EQ(*read_json<std::int8_t>("-128"), -128);
    EXPECT_EQ(*read_json<std::int8_t>("127"), 127);
    EXPECT_EQ(*read_json<std::uint64_t>("18446744073709551615"), 18446744073709551615u);
    EXPECT_EQ(*read_json<std::int64_t>("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
    const violations out_of_range{{"", "is out of range"}};
    EXPECT_EQ(refused<std::int8_t>("128"), out_of_range);
    EXPECT_EQ(refused<std::int8_t>("-129"), out_of_range);
    EXPECT_EQ(refused<std::uint8_t>("-1"), out_of_range);
    EXPECT_EQ(refused<std::int64_t>("9223372036854775808"), out_of_range);
    EXPECT_EQ(refused<std::int64_t>("-9223372036854775809"), out_of_range);
    EXPECT_EQ(refused<std::uint64_t>("18446744073709551616"), out_of_range);
    EXPECT_EQ(refused<std::uint64_t>("1" + std::string(400, '0')), out_of_range);
    const violations no_integer{{"", "must be an integer"}};
    EXPECT_EQ(refused<int>("1.0"), no_integer);
    EXPECT_EQ(refused<int>("1e2"), no_integer);
    EXPECT_EQ(refused<int>("true"), no_integer);
    EXPECT_EQ(refused<int>("\"1\""), no_integer);
}

TEST(JsonRead, keeps_doubles_in_their_range)
{
    EXPECT_EQ(*read_json<double>("1e308"), 1e308);
    EXPECT_EQ(*read_json<double>("-2"), -2.0);
    EXPECT_EQ(*read_json<double>("18446744073709551615"), 18446744073709551615.0);
    EXPECT_EQ(*read_json<double>("123456789012345678901234"), 123456789012345678901234.0);
    EXPECT_EQ(*read_json<double>("1e-400"), 0.0);
    EXPECT_EQ(*read_json<std::vector<double>>("[1e308,18446744073709551616]"), (std::vector<double>{1e308, 0x1p64}));
    EXPECT_EQ(refused<double>("1e309"), (violations{{"", "is out of range"}}));
    EXPECT_EQ(refused<double>("-1" + std::string(309, '0')), (violations{{"", "is out of range"}}));
    EXPECT_EQ(refused<double>("\"1\""), (violations{{"", "must be a number"}}));
    EXPECT_EQ(refused<std::vector<double>>("[1,1e999,2]"), (violations{{"/1", "is out of range"}}));
}

TEST(JsonRead, names_the_form_that_text_must_have)
{
    EXPECT_EQ(refused<uuid>("\"x\""), (violations{{"", "must be a UUID"}}));
    EXPECT_EQ(refused<timestamp>("\"2026-02-30T00:00:00Z\""), (violations{{"", "must be a time as in RFC 3339"}}));
    EXPECT_EQ(refused<role>("\"owner\""), (violations{{"", "must be one of: member, admin"}}));
    EXPECT_EQ(refused<role>("1"), (violations{{"", "must be one of: member, admin"}}));
    EXPECT_EQ(refused<bool>("1"), (violations{{"", "must be true or false"}}));
}

TEST(JsonRead, bounds_the_violations)
{
    std::string text = "{";
    for (int i = 0; i < 1000; ++i) text += "\"" + std::to_string(i) + "\":0,";
    text.back() = '}';
    EXPECT_EQ(refused<login>(text).size(), json_detail::violations_max);
}

TEST(JsonRead, reads_small_texts_after_a_large_one)
{
    const std::string large = "[" + std::string(300'000, ' ') + "1]";
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(*read_json<std::vector<int>>(large), std::vector<int>{1});
        EXPECT_EQ(*read_json<std::vector<int>>("[1,2]"), (std::vector<int>{1, 2}));
    }
}

} // namespace
} // namespace test
} // namespace sluice

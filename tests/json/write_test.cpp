#include "models.hpp"

#include <sluice/json/write.hpp>
#include <sluice/json/writer.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sluice::test {
namespace {

template <class T> std::string written(const T& value) { return std::string(to_json(value)); }

TEST(JsonWrite, takes_a_text_that_has_no_address)
{
    pooled_string out;
    {
        json_writer writing(out, 16);
        writing.string(std::string_view());
    }
    EXPECT_EQ(out, "\"\"");
}

TEST(JsonWrite, writes_the_declared_fields_in_their_order)
{
    EXPECT_EQ(written(login{.name = "Ada", .age = 36}), R"({"name":"Ada","age":36})");
}

TEST(JsonWrite, writes_every_kind_of_member)
{
    const person someone{.id = *uuid::parse("01890a5d-ac96-774b-bcce-b302099a8057"),
                         .email = "ada@example.com",
                         .active = true,
                         .balance = -9'223'372'036'854'775'807 - 1,
                         .level = 255,
                         .score = 0.1,
                         .since = *parse_timestamp("2026-01-31T12:00:00.000001Z"),
                         .access = role::admin,
                         .nickname = std::nullopt,
                         .limit = nullptr,
                         .home = {.city = "London", .codes = {1, 65535}},
                         .others = {{.city = "", .codes = {}}}};
    EXPECT_EQ(written(someone),
              R"({"id":"01890a5d-ac96-774b-bcce-b302099a8057","email":"ada@example.com","active":true,)"
              R"("balance":-9223372036854775808,"level":255,"score":0.1,"since":"2026-01-31T12:00:00.000001Z",)"
              R"("role":"admin","nickname":null,"limit":null,"home":{"city":"London","codes":[1,65535]},)"
              R"("others":[{"city":"","codes":[]}]})");
}

TEST(JsonWrite, leaves_an_absent_patch_field_out) { EXPECT_EQ(written(person{}).find("limit"), std::string::npos); }

TEST(JsonWrite, writes_null_for_an_optional_that_is_empty)
{
    EXPECT_EQ(written(page{.items = {}, .next_cursor = std::nullopt}), R"({"items":[],"next_cursor":null})");
    EXPECT_EQ(written(page{.items = {{"a", 1}, {"b", 2}}, .next_cursor = "x"}),
              R"({"items":[{"name":"a","age":1},{"name":"b","age":2}],"next_cursor":"x"})");
}

TEST(JsonWrite, escapes_what_json_demands_and_nothing_else)
{
    EXPECT_EQ(written(std::string_view("\"\\/\b\f\n\r\t\x01\x1f\x7f\0z", 13)),
              "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000z\"");
    EXPECT_EQ(written("h\xC3\xA9llo \xE2\x82\xAC \xF0\x9F\x98\x80"), "\"h\xC3\xA9llo \xE2\x82\xAC \xF0\x9F\x98\x80\"");
}

TEST(JsonWrite, finds_a_special_byte_at_every_place)
{
    for (std::size_t size = 0; size < 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (const auto& [special, escaped] :
                 {std::pair{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\x01', "\\u0001"}}) {
                std::string text(size, 'x');
                text[at] = special;
                EXPECT_EQ(written(text), '"' + text.substr(0, at) + escaped + text.substr(at + 1) + '"');
            }
        }
    }
}

TEST(JsonWrite, leaves_every_other_byte_alone)
{
    for (int byte = 0x20; byte < 0x80; ++byte) {
        if (byte == '"' || byte == '\\') continue;
        for (const std::size_t size : {3U, 5U, 11U}) {
            const std::string text(size, static_cast<char>(byte));
            EXPECT_EQ(written(text), '"' + text + '"');
        }
    }
}

TEST(JsonWrite, replaces_what_is_not_utf8)
{
    const std::string replacement = "\xEF\xBF\xBD"; // one for each byte
    EXPECT_EQ(written("a\xF1\x80z\x80"), "\"a" + replacement + replacement + "z" + replacement + "\"");
    EXPECT_EQ(written("\xC0\xAF"), '"' + replacement + replacement + '"');                   // overlong
    EXPECT_EQ(written("\xED\xA0\x80"), '"' + replacement + replacement + replacement + '"'); // a surrogate
    EXPECT_EQ(written("\xF4\x90\x80\x80"),
              '"' + replacement + replacement + replacement + replacement + '"'); // too high
    EXPECT_EQ(written("\xE2\x82"), '"' + replacement + replacement + '"');        // cut off
}

TEST(JsonWrite, writes_doubles_short_and_exact)
{
    EXPECT_EQ(written(0.1), "0.1");
    EXPECT_EQ(written(1.0), "1");
    EXPECT_EQ(written(-1.5e300), "-1.5e+300");
    EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "null");
    EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN()), "null");
}

TEST(JsonWrite, appends_to_what_is_there)
{
    pooled_string text = "data: ";
    write_json(login{.name = "Ada", .age = 36}, text);
    EXPECT_EQ(text, R"(data: {"name":"Ada","age":36})");
}

TEST(JsonWrite, grows_as_far_as_it_must)
{
    const std::vector<std::string> many(5000, std::string(50, '\n'));
    std::string expected;
    for (int i = 0; i < 50; ++i) expected += "\\n";
    const std::string text = written(many);
    EXPECT_EQ(text.size(), 5000 * (expected.size() + 3) + 1);
    EXPECT_EQ(text.substr(1, expected.size() + 3), '"' + expected + "\",");
}

} // namespace
} // namespace sluice::test

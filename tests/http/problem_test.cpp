#include <sluice/core/json_escape.hpp>
#include <sluice/http/problem.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {

namespace {

std::string escaped(std::string_view text)
{
    std::string out;
    append_json_string(out, text);
    return out;
}

TEST(Problem, says_what_was_wrong)
{
    context of;
    of.trace.trace_id[0] = 0xAB;
    const response answer = problem(error{.code = errc::not_found, .detail = "User 7 not found"}, &of);
    EXPECT_EQ(answer.status(), status::not_found);
    EXPECT_EQ(answer.content_type(), "application/problem+json");
    EXPECT_EQ(answer.body(), R"({"type":"about:blank","title":"Not Found","status":404,"detail":"User 7 not found",)"
                             R"("trace_id":"ab000000000000000000000000000000"})");
    EXPECT_EQ(answer.header_block(), "");
}

TEST(Problem, has_a_detail_even_where_nobody_gave_one_and_leaves_out_a_trace_that_there_is_not)
{
    EXPECT_EQ(
        problem(error{.code = errc::internal}, nullptr).body(),
        R"({"type":"about:blank","title":"Internal Server Error","status":500,"detail":"Internal Server Error"})");
}

TEST(Problem, lists_each_broken_rule)
{
    const error failure{.code = errc::invalid,
                        .detail = "The user is not valid",
                        .violations = {{.pointer = "/email", .detail = "is not an address"},
                                       {.pointer = "/na\"me", .detail = "is empty"}}};
    EXPECT_EQ(
        problem(failure, nullptr).body(),
        R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"The user is not valid",)"
        R"("errors":[{"pointer":"/email","detail":"is not an address"},{"pointer":"/na\"me","detail":"is empty"}]})");
}

TEST(Problem, has_a_list_of_errors_only_where_input_is_invalid)
{
    EXPECT_NE(problem(error{.code = errc::invalid}, nullptr).body().find(R"("errors":[])"), std::string_view::npos);
    EXPECT_EQ(problem(error{.code = errc::malformed}, nullptr).body().find("errors"), std::string_view::npos);
}

TEST(Problem, has_a_status_for_every_code)
{
    const std::pair<errc, int> table[] = {
        {errc::malformed, 400},
        {errc::invalid, 422},
        {errc::not_found, 404},
        {errc::conflict, 409},
        {errc::precondition_failed, 412},
        {errc::unsupported_media_type, 415},
        {errc::too_large, 413},
        {errc::too_many_requests, 429},
        {errc::unavailable, 503},
        {errc::outcome_unknown, 503},
        {errc::timeout, 504},
        {errc::cancelled, 503},
        {errc::internal, 500},
    };
    for (const auto& [code, expected] : table) {
        EXPECT_EQ(static_cast<int>(problem(error{.code = code}, nullptr).status()), expected) << sluice::name(code);
    }
}

TEST(Problem, says_when_to_come_again)
{
    const auto after = [](errc code, std::chrono::milliseconds wait) {
        const response made = problem(error{.code = code, .retry_after = wait}, nullptr);
        return std::string(made.header("Retry-After").value_or("none"));
    };
    EXPECT_EQ(after(errc::too_many_requests, std::chrono::milliseconds(2001)), "3");
    EXPECT_EQ(after(errc::unavailable, std::chrono::seconds(5)), "5");
    EXPECT_EQ(after(errc::unavailable, std::chrono::milliseconds(0)), "1");
    EXPECT_EQ(after(errc::outcome_unknown, std::chrono::seconds(5)), "none");
    EXPECT_EQ(after(errc::timeout, std::chrono::seconds(5)), "none");
    EXPECT_EQ(after(errc::conflict, std::chrono::seconds(5)), "none");
}

TEST(Problem, is_made_of_a_refusal_too)
{
    const response answer = problem(status::bad_request, "Host is missing", nullptr);
    EXPECT_EQ(answer.body(), R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"Host is missing"})");
}

TEST(JsonEscape, leaves_text_as_it_is)
{
    EXPECT_EQ(escaped(""), "\"\"");
    EXPECT_EQ(escaped("plain /text\x7F"), "\"plain /text\x7F\"");
    EXPECT_EQ(escaped("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82"), "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82\"");
}

TEST(JsonEscape, escapes_what_must_be)
{
    EXPECT_EQ(escaped("a\"b\\c"), R"("a\"b\\c")");
    EXPECT_EQ(escaped(std::string_view("\0\x01\n\x1F", 4)), R"("\u0000\u0001\u000a\u001f")");
}

TEST(JsonEscape, makes_valid_text_of_any_bytes)
{
    EXPECT_EQ(escaped("a\xFF"), R"("a\ufffd")");
    EXPECT_EQ(escaped("\xC0\x80"), R"("\ufffd\ufffd")");                     // overlong
    EXPECT_EQ(escaped("\xE0\x9F\xBF"), R"("\ufffd\ufffd\ufffd")");           // overlong
    EXPECT_EQ(escaped("\xED\xA0\x80"), R"("\ufffd\ufffd\ufffd")");           // a surrogate
    EXPECT_EQ(escaped("\xF4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")"); // above U+10FFFF
    EXPECT_EQ(escaped("\xF0\x8F\xBF\xBF"), R"("\ufffd\ufffd\ufffd\ufffd")"); // overlong
    EXPECT_EQ(escaped("\xE2\x82"), R"("\ufffd\ufffd")");                     // cut off
    EXPECT_EQ(escaped("\xC3\"\x80"), "\"\\ufffd\\\"\\ufffd\"");
}

} // namespace

} // namespace sluice::http

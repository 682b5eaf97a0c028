// A log line as JSON: whatever bytes it holds; and the sink, which decides whether there is one.
#include "telemetry/log_line.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/random.hpp>
#include <sluice/json/reader.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace sluice {
namespace {

std::string json_of(const telemetry::log_line& line)
{
    const telemetry::redaction hidden(secret_words());
    pooled_string text;
    telemetry::append_json(line, hidden, text);
    return std::string(text);
}

std::string json_of(std::string_view message, std::initializer_list<log_field> fields = {})
{
    return json_of({.when = timestamp(std::chrono::microseconds(1)),
                    .level = log_level::warn,
                    .shard = 3,
                    .trace = nullptr,
                    .message = message,
                    .fields = fields});
}

TEST(LogLine, has_its_members_in_order_and_ends_with_a_line_feed)
{
    EXPECT_EQ(json_of("Something", {{"count", 7}, {"name", "x"}, {"good", true}, {"ratio", 0.5}, {"big", ~0ULL}}),
              R"({"timestamp":"1970-01-01T00:00:00.000001Z","level":"warn","message":"Something","shard":3,)"
              R"("count":7,"name":"x","good":true,"ratio":0.5,"big":18446744073709551615})"
              "\n");
}

TEST(LogLine, has_no_shard_where_there_is_none)
{
    const std::string text =
        json_of({.when = {}, .level = log_level::info, .shard = {}, .trace = nullptr, .message = "", .fields = {}});
    EXPECT_NE(text.find(R"("shard":null)"), std::string::npos);
}

TEST(LogLine, names_the_trace_and_the_span_of_its_request)
{
    const auto trace = *trace_context::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    std::string span(16, ' ');
    trace.write_span_id(span.data());
    const std::string text =
        json_of({.when = {}, .level = log_level::info, .shard = 0, .trace = &trace, .message = "", .fields = {}});
    EXPECT_NE(text.find(R"("shard":0,"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":")" + span + "\"}"),
              std::string::npos)
        << text;
}

TEST(LogLine, says_once_what_it_says_by_itself_whatever_a_field_is_called)
{
    const std::initializer_list<log_field> taken = {{"timestamp", 1}, {"level", "x"},    {"message", 2},
                                                    {"shard", 3},     {"trace_id", "a"}, {"span_id", "b"}};
    const auto trace = *trace_context::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    const std::string text =
        json_of({.when = {}, .level = log_level::info, .shard = 0, .trace = &trace, .message = "", .fields = taken});
    EXPECT_TRUE(text.ends_with(R"(","field_timestamp":1,"field_level":"x","field_message":2,"field_shard":3,)"
                               R"("field_trace_id":"a","field_span_id":"b"})"
                               "\n"))
        << text;
    EXPECT_TRUE(json_of("", {{"trace_id", "a"}, {"span_id", "b"}, {"levels", 1}, {"Level", 2}})
                    .ends_with(R"("shard":3,"trace_id":"a","span_id":"b","levels":1,"Level":2})"
                               "\n"));
}

TEST(LogLine, stays_one_line_of_JSON_whatever_it_holds)
{
    using namespace std::string_view_literals;
    for (const std::string_view evil :
         {"a\nb"sv, "\"},{\""sv, "\x1b[2J"sv, "\xff\xfe"sv, "\0"sv, "\\"sv, "\xed\xa0\x80"sv}) {
        const std::string line = json_of(evil, {{"field", evil}});
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        EXPECT_TRUE(parse_json(line)) << line;
    }
    EXPECT_TRUE(parse_json(json_of("x", {{"ratio", std::numeric_limits<double>::infinity()}})));
}

TEST(LogLine, stays_one_line_of_JSON_for_ten_thousand_random_messages)
{
    using namespace std::string_view_literals;
    // Bytes that matter to JSON and to UTF-8 come often.
    constexpr std::string_view favourites = "\"\\\n\r\t\0{}\x7f\x80\xbf\xc0\xc2\xe0\xed\xa0\xef\xf0\xf4\x90\xff"sv;
    for (int i = 0; i < 10'000; ++i) {
        std::string bytes(random_bits() % 24, ' ');
        for (char& byte : bytes) {
            const std::uint64_t bits = random_bits();
            byte = bits % 2 == 0 ? static_cast<char>(bits >> 8) : favourites[(bits >> 8) % favourites.size()];
        }
        const std::string line = json_of(bytes, {{bytes, bytes}});
        ASSERT_EQ(line.find('\n'), line.size() - 1);
        ASSERT_TRUE(parse_json(line)) << line;
    }
}

TEST(LogLine, hides_what_a_secretly_named_field_holds_whatever_its_type)
{
    for (const std::string_view name : {"authorization", "Authorization", "set-cookie", "db_password", "PGPASSWORD",
                                        "X-Api-Key", "api_key", "apiKey", "access_tokens", "client_secret"}) {
        EXPECT_NE(json_of("x", {{name, "hunter2"}}).find(R"(":"[redacted]"})"), std::string::npos) << name;
        EXPECT_NE(json_of("x", {{name, 17}}).find(R"(":"[redacted]"})"), std::string::npos) << name;
        EXPECT_NE(json_of("x", {{name, true}}).find(R"(":"[redacted]"})"), std::string::npos) << name;
    }
    for (const std::string_view name : {"path", "pass", "cook", "to", "t", "", "secre", "status", "route", "author"})
        EXPECT_NE(json_of("x", {{name, "seen"}}).find(R"(":"seen"})"), std::string::npos) << name;
}

TEST(LogLine, hides_the_words_it_is_told_and_no_others)
{
    const std::vector<std::string> own = {"E-Mail", "_id", "x"};
    const telemetry::redaction hidden(own);
    EXPECT_TRUE(hidden.hides("user_E_MAIL"));
    EXPECT_TRUE(hidden.hides("user-id"));
    EXPECT_TRUE(hidden.hides("user_id"));
    EXPECT_FALSE(hidden.hides("mail"));
    EXPECT_FALSE(hidden.hides("password"));
    EXPECT_FALSE(hidden.hides("x"));
    EXPECT_FALSE(telemetry::redaction(std::vector<std::string>()).hides("password"));
}

TEST(LogSink, is_where_lines_go_and_nowhere_without_one)
{
    struct last_line final : log_sink
    {
        void write(log_level level, std::string_view message, std::span<const log_field> fields) noexcept override
        {
            text = std::string(name(level)) + " " + std::string(message) + " " + std::to_string(fields.size());
        }
        std::string text;
    } sink;
    log(log_level::error, "Nobody hears");
    EXPECT_EQ(exchange_log_sink(&sink), nullptr);
    EXPECT_TRUE(log_enabled(log_level::debug));
    log(log_level::error, "Heard", {{"a", 1}, {"b", "c"}});
    EXPECT_EQ(exchange_log_sink(nullptr), &sink);
    log(log_level::error, "Nobody hears");
    EXPECT_EQ(sink.text, "error Heard 2");
}

class counting_sink final : public log_sink
{
public:
    explicit counting_sink(log_level level) : log_sink(level) { exchange_log_sink(this); }
    ~counting_sink() { exchange_log_sink(nullptr); }
    void write(log_level, std::string_view, std::span<const log_field>) noexcept override { ++lines; }
    int lines = 0;
};

TEST(LogSink, has_a_level_that_changes_while_it_is_in_use)
{
    counting_sink sink(log_level::warn);
    change_log_level(log_level::debug);
    EXPECT_EQ(sink.level(), log_level::debug);
    log(log_level::debug, "Now it is heard");
    change_log_level(log_level::error);
    log(log_level::warn, "Now it is not");
    EXPECT_EQ(sink.lines, 1);
}

TEST(LogSink, hears_every_line_of_a_request_that_asks_for_them)
{
    counting_sink sink(log_level::error);
    context request{.debug = true};
    log(log_level::debug, "Of nobody");
    context::exchange_current(&request);
    EXPECT_TRUE(log_enabled(log_level::debug));
    log(log_level::debug, "Of the request");
    context::exchange_current(nullptr);
    log(log_level::debug, "Of nobody again");
    EXPECT_EQ(sink.lines, 1);
}

TEST(LogSink, is_not_asked_for_lines_below_its_level)
{
    EXPECT_FALSE(log_enabled(log_level::error)); // there is none
    counting_sink sink(log_level::warn);
    EXPECT_FALSE(log_enabled(log_level::info));
    log(log_level::info, "Too low");
    log(log_level::warn, "Heard");
    EXPECT_EQ(sink.lines, 1);
}

} // namespace
} // namespace sluice

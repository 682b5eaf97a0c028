#include <sluice/core/log.hpp>
#include <sluice/http/test_request.hpp>
#include <sluice/middleware/access_log.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <variant>

namespace sluice::test {
namespace {

// Keeps the last line, each value as text.
class kept_line final : public log_sink
{
public:
    explicit kept_line(log_level level = log_level::info) : log_sink(level), before_(exchange_log_sink(this)) {}
    ~kept_line() { exchange_log_sink(before_); }

    void write(log_level, std::string_view message, std::span<const log_field> fields) noexcept override
    {
        ++lines;
        during = context::current();
        values["message"] = message;
        for (const log_field& field : fields) {
            std::visit(
                [&](const auto& value) {
                    if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, std::string_view>)
                        values[std::string(field.name)] = value;
                    else
                        values[std::string(field.name)] = std::to_string(value);
                },
                field.value);
        }
    }

    int lines = 0;
    context* during = nullptr;
    std::map<std::string, std::string> values;

private:
    log_sink* before_;
};

TEST(AccessLog, says_what_was_asked_and_what_came_of_it)
{
    kept_line line;
    http::test_request asked(http::method::get, "/users/7?token=secret");
    asked.header("Authorization", "secret").client("192.0.2.1");
    http::request::parts::route(asked.get()) = "/users/{id}";
    log_access(asked.get(),
               {.status = http::status::not_found, .bytes_out = 431, .took = std::chrono::nanoseconds(112'900)});
    EXPECT_EQ(line.values, (std::map<std::string, std::string>{{"message", "request"},
                                                               {"method", "GET"},
                                                               {"route", "/users/{id}"},
                                                               {"path", "/users/7"},
                                                               {"status", "404"},
                                                               {"duration_us", "112"},
                                                               {"bytes_out", "431"},
                                                               {"client", "192.0.2.1"}}));
    EXPECT_EQ(line.lines, 1);
}

TEST(AccessLog, belongs_to_its_request)
{
    kept_line line;
    http::test_request asked;
    log_access(asked.get(), {.status = http::status::ok, .bytes_out = 0, .took = {}});
    EXPECT_EQ(line.during, &asked.context());
    EXPECT_EQ(context::current(), nullptr);
}

TEST(AccessLog, is_silent_above_its_level)
{
    kept_line line(log_level::warn);
    http::test_request asked;
    log_access(asked.get(), {.status = http::status::ok, .bytes_out = 0, .took = {}});
    EXPECT_EQ(line.lines, 0);
}

} // namespace
} // namespace sluice::test

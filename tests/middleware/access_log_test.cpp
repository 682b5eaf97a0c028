#include "../server/kept_lines.hpp"

#include <sluice/core/log.hpp>
#include <sluice/http/test_request.hpp>
#include <sluice/middleware/access_log.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>

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
        values.clear();
        during = context::current();
        values["message"] = message;
        testing::keep(values, fields);
    }

    int lines = 0;
    context* during = nullptr;
    testing::values values;

private:
    log_sink* before_;
};

constexpr access_log_options every_line = {.lines = true};

access good(duration took = {}) { return {.status = http::status::ok, .bytes_out = 0, .took = took}; }

TEST(AccessLog, says_what_was_asked_and_what_came_of_it)
{
    kept_line line;
    http::test_request asked(http::method::get, "/users/7?token=secret");
    asked.header("Authorization", "secret").client("192.0.2.1");
    http::request::parts::route(asked.get()) = "/users/{id}";
    log_access(asked.get(),
               {.status = http::status::not_found, .bytes_out = 431, .took = std::chrono::nanoseconds(112'900)},
               every_line);
    EXPECT_EQ(line.values, (std::map<std::string, std::string>{{"message", "request"},
                                                               {"method", "GET"},
                                                               {"route", "/users/{id}"},
                                                               {"path", "/users/7"},
                                                               {"status", "404"},
                                                               {"duration_us", "112"},
                                                               {"bytes_out", "431"},
                                                               {"client", "192.0.2.1"},
                                                               {"db_us", "0"}}));
    EXPECT_EQ(line.lines, 1);
}

TEST(AccessLog, says_how_long_the_database_took_and_which_tier_answered)
{
    kept_line line;
    http::test_request asked;
    context& request = asked.context();
    const time_point start(std::chrono::seconds(1));
    request.stages.begin(start);
    request.stages.enter(stage::query, start + std::chrono::microseconds(3));
    request.stages.leave(stage::query, start + std::chrono::microseconds(45));
    request.cache = cache_tier::miss;
    log_access(asked.get(), good(), every_line);
    EXPECT_EQ(line.values["db_us"], "42");
    EXPECT_EQ(line.values["cache"], "miss");
}

TEST(AccessLog, belongs_to_its_request)
{
    kept_line line;
    http::test_request asked;
    log_access(asked.get(), good(), every_line);
    EXPECT_EQ(line.during, &asked.context());
    EXPECT_EQ(context::current(), nullptr);
}

TEST(AccessLog, is_silent_where_it_is_not_wanted_and_above_its_level)
{
    kept_line line(log_level::warn);
    http::test_request asked;
    log_access(asked.get(), good(), every_line);
    change_log_level(log_level::info);
    log_access(asked.get(), good(), {});
    EXPECT_EQ(line.lines, 0);
}

TEST(AccessLog, has_a_line_for_what_is_sampled_every_error_and_slow_request_and_for_who_asks_for_it)
{
    kept_line line;
    http::test_request asked;
    access answered = good();
    answered.sampled = false;
    log_access(asked.get(), answered, every_line);
    EXPECT_EQ(line.lines, 0);
    answered.sampled = true;
    log_access(asked.get(), answered, every_line);
    EXPECT_EQ(line.lines, 1);
    answered.sampled = false;
    for (const http::status failed : {http::status::bad_request, http::status::internal_server_error}) {
        answered.status = failed;
        log_access(asked.get(), answered, every_line);
    }
    EXPECT_EQ(line.lines, 3);
    answered.status = http::status::ok;
    answered.took = every_line.slow;
    log_access(asked.get(), answered, every_line);
    EXPECT_EQ(line.lines, 5); // and the one with its stages
    answered.took = {};
    asked.context().debug = true;
    log_access(asked.get(), answered, every_line);
    EXPECT_EQ(line.lines, 6);
}

TEST(AccessLog, is_a_warning_of_what_failed_or_was_slow)
{
    kept_line line(log_level::warn);
    http::test_request asked;
    const auto lines_of = [&](http::status status, duration took = {}) {
        line.lines = 0;
        line.values.clear();
        log_access(asked.get(), {.status = status, .bytes_out = 0, .took = took}, {.lines = true, .ratio = 0});
        return line.lines;
    };
    EXPECT_EQ(lines_of(http::status::service_unavailable), 1);
    EXPECT_EQ(line.values["message"], "request");
    EXPECT_EQ(lines_of(http::status::ok, std::chrono::seconds(1)), 2);
    EXPECT_EQ(lines_of(http::status::not_found), 0);
    change_log_level(log_level::error);
    EXPECT_EQ(lines_of(http::status::service_unavailable), 0);
}

TEST(AccessLog, says_where_the_time_of_a_slow_request_went)
{
    using std::chrono::microseconds;
    kept_line line(log_level::warn);
    http::test_request asked(http::method::get, "/users/7");
    stage_times& stages = asked.context().stages;
    const time_point start(std::chrono::seconds(1));
    stages.begin(start);
    stages.enter(stage::cache, start + microseconds(10));
    stages.enter(stage::pool_wait, start + microseconds(30));
    stages.leave(stage::pool_wait, start + microseconds(60));
    stages.enter(stage::query, start + microseconds(60));
    stages.leave(stage::query, start + microseconds(100));
    stages.leave(stage::cache, start + microseconds(150));
    stages.charge(start + microseconds(210));
    const access answered = {
        .status = http::status::ok, .bytes_out = 0, .took = microseconds(210), .head = microseconds(5)};
    log_access(asked.get(), answered, {.slow = microseconds(211)});
    EXPECT_EQ(line.lines, 0);
    log_access(asked.get(), answered, {.slow = microseconds(210)});
    EXPECT_EQ(line.lines, 1);
    const std::map<std::string, std::string> expected = {
        {"message", "slow request"}, {"duration_us", "210"}, {"head_us", "5"},   {"body_us", "0"},
        {"limit_us", "0"},           {"cache_us", "70"},     {"query_us", "40"}, {"pool_wait_us", "30"},
        {"redis_us", "0"},           {"call_us", "0"},       {"write_us", "0"},  {"work_us", "70"}};
    for (const auto& [name, value] : expected) EXPECT_EQ(line.values[name], value) << name;
}

} // namespace
} // namespace sluice::test

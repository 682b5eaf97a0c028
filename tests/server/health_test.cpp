// Health as its routes answer it, on a shard, without a socket.
#include "shard/shard_group.hpp"

#include <sluice/core/log.hpp>
#include <sluice/http/test_request.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/health.hpp>
#include <sluice/shard/wait.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace sluice {
namespace {

struct answer
{
    http::status status;
    std::string body;
    std::string cache_control;
};

task<void> ask(router& routes, std::string path, std::size_t times, std::vector<answer>& answers)
{
    for (std::size_t i = 0; i < times; ++i) {
        http::test_request request(http::method::get, path);
        const route_match match = routes.find(request.get());
        auto* before = context::exchange_current(&request.context());
        response made = co_await match.found->answer_waiting(request.get());
        context::exchange_current(before);
        answers.push_back({.status = made.status(),
                           .body = std::string(made.body()),
                           .cache_control = std::string(made.header("Cache-Control").value_or(""))});
    }
    shard::current().finish();
}

// What GET `path` answers, asked `times` times one after another, where `prepare` has named the dependencies.
std::vector<answer> get(const std::string& path, const std::function<void(health&)>& prepare, std::size_t times = 1)
{
    std::vector<answer> answers;
    shard_group group({.shards = 1, .pin = false});
    auto started = group.start([&](shard& here) -> result<void> {
        auto& state = here.own<health>();
        prepare(state);
        auto& routes = here.own<router>();
        state.routes(routes);
        routes.freeze();
        here.background().spawn(ask(routes, path, times, answers));
        return {};
    });
    EXPECT_TRUE(started);
    group.join();
    return answers;
}

task<result<void>> there() { co_return result<void>(); }
task<result<void>> away() { co_return fail(errc::unavailable, "gone to lunch"); }
task<result<void>> stuck() { co_return co_await sleep_for(std::chrono::hours(1)); }

class counting_sink final : public log_sink
{
public:
    counting_sink() { exchange_log_sink(this); }
    ~counting_sink() { exchange_log_sink(nullptr); }
    counting_sink(const counting_sink&) = delete;
    counting_sink& operator=(const counting_sink&) = delete;
    void write(log_level, std::string_view message, std::span<const log_field>) noexcept override
    {
        lines.emplace_back(message);
    }
    std::vector<std::string> lines;
};

TEST(Health, knows_no_dependency)
{
    const auto answers = get("/healthz", [](health& h) { h.add("sqlite", &away); });
    EXPECT_EQ(answers.at(0).status, http::status::ok);
    EXPECT_EQ(answers.at(0).body, R"({"status":"ok"})");
    EXPECT_EQ(answers.at(0).cache_control, "no-store");
}

TEST(Readiness, has_an_entry_for_each_dependency)
{
    const auto answers = get("/readyz", [](health& h) {
        h.add("sqlite", &there);
        h.add("other", &there);
    });
    EXPECT_EQ(answers.at(0).status, http::status::ok);
    EXPECT_EQ(answers.at(0).body,
              R"({"status":"ok","dependencies":{"sqlite":{"status":"ok"},"other":{"status":"ok"}}})");
    EXPECT_EQ(answers.at(0).cache_control, "no-store");
}

TEST(Readiness, is_good_without_dependencies)
{
    const auto answers = get("/readyz", [](health&) {});
    EXPECT_EQ(answers.at(0).status, http::status::ok);
    EXPECT_EQ(answers.at(0).body, R"({"status":"ok","dependencies":{}})");
}

TEST(Readiness, is_503_while_one_dependency_is_away_and_says_nothing_of_its_inside)
{
    const auto answers = get("/readyz", [](health& h) {
        h.add("other", &there);
        h.add("sqlite", &away);
    });
    EXPECT_EQ(answers.at(0).status, http::status::service_unavailable);
    EXPECT_EQ(answers.at(0).body,
              R"({"status":"unavailable","dependencies":{"other":{"status":"ok"},"sqlite":{"status":"unavailable"}}})");
}

TEST(Readiness, stays_good_without_what_only_helps_and_says_that_it_is_away)
{
    const auto answers = get("/readyz", [](health& h) {
        h.add("sqlite", &there);
        h.add("redis", &away, health::importance::helpful);
    });
    EXPECT_EQ(answers.at(0).status, http::status::ok);
    EXPECT_EQ(answers.at(0).body,
              R"({"status":"ok","dependencies":{"sqlite":{"status":"ok"},"redis":{"status":"unavailable"}}})");
}

TEST(Readiness, takes_a_dependency_that_does_not_answer_for_away)
{
    const auto answers = get("/readyz", [](health& h) { h.add("sqlite", &stuck); });
    EXPECT_EQ(answers.at(0).status, http::status::service_unavailable);
}

TEST(Readiness, comes_back_and_logs_each_change_once)
{
    counting_sink sink;
    int asked = 0;
    const auto answers =
        get("/readyz", [&](health& h) { h.add("sqlite", [&] { return ++asked <= 3 ? away() : there(); }); }, 5);
    ASSERT_EQ(answers.size(), 5U);
    EXPECT_EQ(answers[2].status, http::status::service_unavailable);
    EXPECT_EQ(answers[3].status, http::status::ok);
    EXPECT_EQ(sink.lines, (std::vector<std::string>{"A dependency is away", "A dependency is back"}));
}

} // namespace
} // namespace sluice

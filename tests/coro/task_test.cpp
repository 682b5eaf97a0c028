#include "run.hpp"

#include <sluice/core/error.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {

namespace {

task<int> number(int value) { co_return value; }

task<int> sum(int left, int right)
{
    const int first = co_await number(left);
    const int second = co_await number(right);
    co_return first + second;
}

task<> note(std::vector<int>& log, int what)
{
    log.push_back(what);
    co_return;
}

struct tracked
{
    explicit tracked(int& count) : alive(&count) { ++*alive; }
    tracked(const tracked& other) : alive(other.alive) { ++*alive; }
    tracked& operator=(const tracked&) = delete;
    ~tracked() { --*alive; }
    int* alive;
};

} // namespace

TEST(Task, gives_its_value_to_its_awaiter)
{
    executor ready;
    EXPECT_EQ(run(ready, sum(3, 4)), 7);
}

TEST(Task, does_nothing_before_it_is_awaited)
{
    executor ready;
    std::vector<int> log;
    run(ready, [](std::vector<int>& out) -> task<> {
        auto later = note(out, 2);
        out.push_back(1);
        co_await std::move(later);
        out.push_back(3);
    }(log));
    EXPECT_EQ(log, (std::vector{1, 2, 3}));
}

TEST(Task, frees_its_arguments_when_it_is_dropped_unstarted)
{
    int alive = 0;
    {
        const auto dropped = [](tracked) -> task<> { co_return; }(tracked(alive));
        EXPECT_EQ(alive, 1);
    }
    EXPECT_EQ(alive, 0);
}

TEST(Task, moves_values_that_cannot_be_copied)
{
    executor ready;
    auto made =
        run(ready, []() -> task<std::unique_ptr<std::string>> { co_return std::make_unique<std::string>("owned"); }());
    EXPECT_EQ(*made, "owned");
}

TEST(Task, gives_results_and_failures_as_values)
{
    executor ready;
    const auto fetch = [](bool there) -> task<result<int>> {
        if (!there) co_return fail(errc::not_found, "nothing");
        co_return 5;
    };
    EXPECT_EQ(run(ready, fetch(true)), 5);
    EXPECT_EQ(run(ready, fetch(false)).error().code, errc::not_found);
    EXPECT_TRUE(run(ready, []() -> task<result<void>> { co_return {}; }()).has_value());
}

TEST(Task, carries_an_exception_to_its_awaiter)
{
    executor ready;
    const auto thrower = []() -> task<int> {
        co_await yield();
        throw std::runtime_error("broken");
    };
    const auto caught = run(ready, [](auto& throwing) -> task<std::string> {
        try {
            co_await throwing();
        } catch (const std::runtime_error& e) {
            co_return e.what();
        }
        co_return "nothing was thrown";
    }(thrower));
    EXPECT_EQ(caught, "broken");
    EXPECT_THROW(run(ready, thrower()), std::runtime_error);
}

TEST(Task, destroys_everything_on_every_way_out)
{
    executor ready;
    int alive = 0;
    const auto work = [](tracked, bool failing) -> task<int> {
        co_await yield();
        if (failing) throw std::runtime_error("broken");
        co_return 1;
    };
    EXPECT_EQ(run(ready, work(tracked(alive), false)), 1);
    EXPECT_EQ(alive, 0);
    EXPECT_THROW(run(ready, work(tracked(alive), true)), std::runtime_error);
    EXPECT_EQ(alive, 0);
}

// One stack frame each would need some hundred megabytes.
TEST(Task, a_million_awaits_in_a_row_need_no_stack)
{
    executor ready;
    const auto loop = []() -> task<long> {
        long total = 0;
        for (int i = 0; i < 1'000'000; ++i) total += co_await number(1);
        co_return total;
    };
    EXPECT_EQ(run(ready, loop()), 1'000'000);
}

TEST(Task, a_deep_chain_unwinds_without_stack)
{
    executor ready;
    struct recursion
    {
        static task<int> down(int depth)
        {
            if (depth == 0) {
                co_await yield();
                co_return 0;
            }
            co_return 1 + co_await down(depth - 1);
        }
    };
    EXPECT_EQ(run(ready, recursion::down(200'000)), 200'000);
}

} // namespace sluice

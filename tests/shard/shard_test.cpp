// Shards as a whole: real rings, real threads.
#include "shard/shard_group.hpp"

#include <sluice/core/context.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/wait.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <latch>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace sluice;

namespace {

// Runs a task on each of a number of shards and waits for the end of all.
template <class F> void on_every_shard(unsigned shards, F make_task, shard_group_options options = {})
{
    options.shards = shards;
    shard_group group(options);
    auto started = group.start([&](shard& here) -> result<void> {
        struct runner
        {
            static task<void> run(F& make, shard& s)
            {
                co_await make(s);
                s.finish();
            }
        };
        here.background().spawn(runner::run(make_task, here));
        return {};
    });
    ASSERT_TRUE(started) << started.error().detail;
    group.join();
}

TEST(Shard, sleeps_at_least_as_long_as_asked)
{
    bool slept = false;
    on_every_shard(1, [&](shard& here) -> task<void> {
        const time_point before = here.now();
        auto done = co_await sleep_for(20ms);
        slept = done.has_value() && here.now() - before >= 20ms;
    });
    EXPECT_TRUE(slept);
}

TEST(Shard, ends_a_sleep_at_the_deadline_of_its_request)
{
    errc why{};
    on_every_shard(1, [&](shard& here) -> task<void> {
        context request;
        request.deadline = here.now() + 5ms;
        context* before = context::exchange_current(&request);
        auto done = co_await sleep_for(1h);
        context::exchange_current(before);
        why = done ? errc{} : done.error().code;
    });
    EXPECT_EQ(why, errc::timeout);
}

TEST(Shard, ends_a_sleep_when_its_request_is_stopped)
{
    errc why{};
    on_every_shard(1, [&](shard& here) -> task<void> {
        stop_source stop;
        context request;
        request.stop = &stop;
        struct stopper
        {
            static task<void> run(stop_source& s)
            {
                auto slept = co_await sleep_for(2ms);
                (void)slept;
                s.request();
            }
        };
        here.background().spawn(stopper::run(stop));
        context* before = context::exchange_current(&request);
        auto done = co_await sleep_for(1h);
        context::exchange_current(before);
        why = done ? errc{} : done.error().code;
    });
    EXPECT_EQ(why, errc::cancelled);
}

TEST(Shard, brings_the_result_of_a_call_to_another_shard_back)
{
    std::atomic<unsigned> right{0};
    on_every_shard(3, [&](shard& here) -> task<void> {
        for (unsigned round = 0; round < 200; ++round) {
            const unsigned target = round % 3;
            const unsigned where = co_await on_shard(target, [] { return shard::current().index(); });
            if (where == target && shard::current().index() == here.index()) ++right;
        }
    });
    EXPECT_EQ(right, 600U);
}

TEST(Shard, runs_tasks_on_another_shard_with_the_trace_of_the_request)
{
    bool same = false;
    on_every_shard(2, [&](shard& here) -> task<void> {
        if (here.index() != 0) co_return;
        context request;
        request.trace = trace_context::start();
        context* before = context::exchange_current(&request);
        const auto there = co_await on_shard(1, []() -> task<trace_context> {
            auto slept = co_await sleep_for(1ms);
            (void)slept;
            co_return context::current()->trace;
        });
        context::exchange_current(before);
        same = there.trace_id == request.trace.trace_id;
    });
    EXPECT_TRUE(same);
}

TEST(Shard, loses_no_message_when_mailboxes_overflow)
{
    std::atomic<unsigned> arrived{0};
    shard_group_options options;
    options.mailbox_messages = 4;
    on_every_shard(
        2,
        [&](shard& here) -> task<void> {
            // Many calls at once, each waiting for its answer: far more than the queue holds.
            scope calls;
            struct caller
            {
                static task<void> run(unsigned target, std::atomic<unsigned>& count)
                {
                    co_await on_shard(target, [&count] { ++count; });
                }
            };
            for (int i = 0; i < 1000; ++i) calls.spawn(caller::run(1 - here.index(), arrived));
            co_await calls.join();
        },
        options);
    EXPECT_EQ(arrived, 2000U);
}

TEST(Shard, does_not_turn_while_it_has_nothing_to_do)
{
    std::uint64_t turns = 0;
    shard_group_options options;
    options.shards = 1;
    shard_group group(options);
    shard* here = nullptr;
    ASSERT_TRUE(group.start([&](shard& s) -> result<void> {
        here = &s;
        return {};
    }));
    std::this_thread::sleep_for(200ms); // idle is what is tested
    struct ask : inbox_item
    {
        explicit ask(std::uint64_t& t)
            : inbox_item([](inbox_item& item) {
                  static_cast<ask&>(item).turns = shard::current().counters().turns;
                  shard::current().finish();
              }),
              turns(t)
        {}
        std::uint64_t& turns;
    } asked(turns);
    group.inbox_of(0).push(asked);
    group.join();
    EXPECT_LT(turns, 5U);
}

// The last thing that happens: nothing else would wake the shard.
TEST(Shard, runs_what_an_item_posts_at_the_end_of_a_turn_before_it_sleeps)
{
    struct second : ready
    {
        second() : ready([](ready&) { shard::current().finish(); }) {}
    };
    struct first : ready
    {
        first() : ready([](ready& self) { shard::current().at_turn_end(static_cast<first&>(self).next_item); }) {}
        second next_item;
    } item;
    shard_group group({.shards = 1});
    ASSERT_TRUE(group.start([&](shard& here) -> result<void> {
        here.at_turn_end(item);
        return {};
    }));
    group.join();
    EXPECT_FALSE(item.queued);
}

TEST(Offload, leaves_signals_to_the_thread_that_runs_the_server)
{
    offload_pool pool({.threads = 1, .queue_max = 1});
    bool ends_the_process = true;
    on_every_shard(1, [&](shard&) -> task<void> {
        auto blocked = co_await offload(pool, [] {
            sigset_t set;
            pthread_sigmask(SIG_SETMASK, nullptr, &set);
            return sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGHUP) == 1;
        });
        ends_the_process = !blocked.value_or(false);
    });
    EXPECT_FALSE(ends_the_process);
    sigset_t ours;
    pthread_sigmask(SIG_SETMASK, nullptr, &ours);
    EXPECT_EQ(sigismember(&ours, SIGTERM), 0);
}

TEST(Offload, brings_back_what_the_function_returned_on_the_shard_that_asked)
{
    offload_pool pool({.threads = 2, .queue_max = 64});
    std::atomic<int> right{0};
    on_every_shard(2, [&](shard& here) -> task<void> {
        for (int i = 0; i < 200; ++i) {
            const auto there =
                co_await offload(pool, [i] { return std::to_string(i) + (shard::is_current() ? "!" : ""); });
            if (there && *there == std::to_string(i) && &shard::current() == &here) ++right;
        }
    });
    EXPECT_EQ(right, 400);
}

TEST(Offload, passes_a_result_through_and_refuses_at_once_when_full)
{
    offload_pool pool({.threads = 1, .queue_max = 2});
    std::latch hold(1);
    int refused = 0;
    errc passed{};
    on_every_shard(1, [&](shard& here) -> task<void> {
        scope work;
        struct one
        {
            static task<void> run(offload_pool& p, std::latch& l, int& count)
            {
                auto done = co_await offload(p, [&l] { l.wait(); });
                if (!done && done.error().code == errc::unavailable) ++count;
            }
        };
        for (int i = 0; i < 10; ++i) work.spawn(one::run(pool, hold, refused));
        EXPECT_GE(refused, 7); // one under way, two queued
        hold.count_down();
        co_await work.join();
        auto failed = co_await offload(pool, []() -> result<int> { return fail(errc::conflict, "taken"); });
        passed = failed.error().code;
        (void)here;
    });
    EXPECT_EQ(passed, errc::conflict);
}

TEST(Offload, answers_a_request_whose_deadline_passes_and_frees_the_work_later)
{
    offload_pool pool({.threads = 1, .queue_max = 8});
    std::latch hold(1);
    errc why{};
    bool freed = false;
    struct tell
    {
        explicit tell(bool& f) : flag(&f) {}
        tell(tell&& other) noexcept : flag(std::exchange(other.flag, nullptr)) {}
        ~tell()
        {
            if (flag != nullptr) *flag = true;
        }
        bool* flag;
    };
    on_every_shard(1, [&](shard& here) -> task<void> {
        context request;
        request.deadline = here.now() + 5ms;
        context* before = context::exchange_current(&request);
        auto done = co_await offload(pool, [&hold, t = tell(freed)] { hold.wait(); });
        context::exchange_current(before);
        why = done ? errc{} : done.error().code;
        EXPECT_FALSE(freed);
        hold.count_down();
        while (!freed) {
            auto slept = co_await sleep_for(1ms);
            (void)slept;
        }
    });
    EXPECT_EQ(why, errc::timeout);
    EXPECT_TRUE(freed);
}

TEST(Offload, keeps_a_shard_until_work_that_nobody_waits_for_any_more_has_come_back)
{
    offload_pool pool({.threads = 1, .queue_max = 8});
    std::latch under_way(1);
    std::latch hold(1);
    errc why{};
    std::thread releaser([&] {
        under_way.wait();
        std::this_thread::sleep_for(30ms); // the request ends meanwhile, and with it all that the shard has to do
        hold.count_down();
    });
    on_every_shard(1, [&](shard& here) -> task<void> {
        context request;
        request.deadline = here.now() + 5ms;
        context* before = context::exchange_current(&request);
        auto done = co_await offload(pool, [&] {
            under_way.count_down();
            hold.wait();
        });
        context::exchange_current(before);
        why = done ? errc{} : done.error().code;
    });
    EXPECT_TRUE(hold.try_wait());
    EXPECT_EQ(why, errc::timeout);
    releaser.join();
}

TEST(Offload, takes_with_it_whose_work_it_is_and_nothing_else_of_the_request)
{
    offload_pool pool({.threads = 1, .queue_max = 8});
    stop_source stop;
    context request{.trace = trace_context::start(), .stop = &stop, .task = "/things/{id}", .debug = true};
    context there;
    context afterwards;
    on_every_shard(1, [&](shard&) -> task<void> {
        const auto look = [] { return context::current() != nullptr ? *context::current() : context(); };
        context* before = context::exchange_current(&request);
        auto seen = co_await offload(pool, look);
        context::exchange_current(before);
        there = seen.value_or(context());
        seen = co_await offload(pool, look);
        afterwards = seen.value_or(request);
    });
    EXPECT_EQ(there.trace.trace_id, request.trace.trace_id);
    EXPECT_EQ(there.trace.span_id, request.trace.span_id);
    EXPECT_EQ(there.task, request.task);
    EXPECT_TRUE(there.debug);
    EXPECT_EQ(there.stop, nullptr) << "it belongs to the shard";
    EXPECT_EQ(afterwards.trace.trace_id, trace_context().trace_id);
    EXPECT_FALSE(afterwards.debug);
}

} // namespace

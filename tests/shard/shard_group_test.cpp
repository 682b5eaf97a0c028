// Shards that begin and end together.
#include "shard/shard_group.hpp"

#include <sluice/core/context.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/wait.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

using namespace std::chrono_literals;
using namespace sluice;

namespace {

// Who has nothing left to do of his own may be at work for others.
TEST(ShardGroup, lets_its_background_go_on_until_all_shards_have_finished)
{
    std::atomic<bool> all_finished{false};
    bool stopped_after_all = false;
    const auto work = [&]() -> task<void> {
        const auto slept = co_await sleep_for(1h);
        stopped_after_all = !slept && all_finished;
    };
    context until_stopped;
    const auto last = [&](shard& here) -> task<void> {
        (void)co_await sleep_for(50ms); // the other has finished by then, as a rule
        all_finished = true;
        here.finish();
    };
    shard_group group({.shards = 2});
    ASSERT_TRUE(group.start([&](shard& here) -> result<void> {
        if (here.index() == 0) {
            here.background().spawn(last(here));
            return {};
        }
        until_stopped.stop = &here.background().stop();
        here.background().spawn(work(), &until_stopped);
        here.finish();
        return {};
    }));
    group.join();
    EXPECT_TRUE(stopped_after_all);
}

TEST(ShardGroup, reports_a_failed_start_and_ends_the_others)
{
    shard_group_options options;
    options.shards = 3;
    shard_group group(options);
    auto started = group.start([](shard& s) -> result<void> {
        if (s.index() == 1) throw std::runtime_error("no such thing");
        return {};
    });
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().detail, "no such thing");
}

TEST(ShardGroup, ends_what_runs_in_the_background_where_the_start_of_another_fails)
{
    std::atomic<int> ended{0};
    struct waiter
    {
        static task<void> run(shard& here, std::atomic<int>& count)
        {
            context request;
            request.stop = &here.background().stop();
            context* before = context::exchange_current(&request);
            auto slept = co_await sleep_for(1h);
            context::exchange_current(before);
            if (!slept) ++count;
        }
    };
    shard_group group({.shards = 3});
    auto started = group.start([&](shard& here) -> result<void> {
        here.background().spawn(waiter::run(here, ended));
        if (here.index() == 1) return fail(errc::unavailable, "no such thing");
        return {};
    });
    ASSERT_FALSE(started);
    EXPECT_EQ(ended, 3);
}

} // namespace

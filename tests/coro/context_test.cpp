#include "run.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {

namespace {

task<context*> current_after(int turns)
{
    for (int i = 0; i < turns; ++i) co_await yield();
    co_return context::current();
}

task<> record(std::vector<context*>& seen, int turns)
{
    seen.push_back(context::current());
    seen.push_back(co_await current_after(turns));
    seen.push_back(context::current());
    co_await yield();
    seen.push_back(context::current());
}

} // namespace

TEST(Context, stays_a_requests_own_across_every_wait_however_they_interleave)
{
    executor on;
    scope tasks;
    context first, second;
    std::vector<context*> seen_first, seen_second, seen_none;
    tasks.spawn(record(seen_first, 1), &first);
    tasks.spawn(record(seen_second, 3), &second);
    tasks.spawn(record(seen_none, 2));
    EXPECT_EQ(context::current(), nullptr);
    turn_all(on);
    EXPECT_EQ(seen_first, std::vector<context*>(4, &first));
    EXPECT_EQ(seen_second, std::vector<context*>(4, &second));
    EXPECT_EQ(seen_none, std::vector<context*>(4, nullptr));
    EXPECT_EQ(context::current(), nullptr);
}

TEST(Context, a_task_spawned_within_a_request_does_not_inherit_it)
{
    executor on;
    scope tasks;
    context request;
    std::vector<context*> seen;
    context* after = nullptr;
    tasks.spawn(
        [](scope& in, std::vector<context*>& out, context*& mine) -> task<> {
            in.spawn(record(out, 1));
            mine = context::current();
            co_return;
        }(tasks, seen, after),
        &request);
    turn_all(on);
    EXPECT_EQ(seen, std::vector<context*>(4, nullptr));
    EXPECT_EQ(after, &request);
}

} // namespace sluice

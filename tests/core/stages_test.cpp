#include <sluice/core/context.hpp>
#include <sluice/core/stage_timer.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace sluice {
namespace {

using std::chrono::microseconds;
constexpr time_point start(std::chrono::seconds(7));

duration sum_of(const stage_times& all)
{
    duration sum{};
    for (std::size_t i = 0; i < stage_count; ++i) sum += all.spent(static_cast<stage>(i));
    return sum;
}

TEST(StageTimes, share_out_all_of_the_time)
{
    stage_times times;
    times.begin(start);
    times.enter(stage::limit, start + microseconds(10));
    times.leave(stage::limit, start + microseconds(15));
    times.enter(stage::query, start + microseconds(20));
    EXPECT_EQ(times.now_in(), stage::query);
    times.charge(start + microseconds(50));
    EXPECT_EQ(times.spent(stage::work), microseconds(15));
    EXPECT_EQ(times.spent(stage::limit), microseconds(5));
    EXPECT_EQ(times.spent(stage::query), microseconds(30));
    EXPECT_EQ(sum_of(times), microseconds(50));
}

TEST(StageTimes, count_what_is_within_another_once)
{
    stage_times times;
    times.begin(start);
    times.enter(stage::cache, start);
    times.enter(stage::query, start + microseconds(10));
    times.leave(stage::query, start + microseconds(30));
    EXPECT_EQ(times.now_in(), stage::cache);
    times.leave(stage::cache, start + microseconds(35));
    EXPECT_EQ(times.spent(stage::cache), microseconds(15));
    EXPECT_EQ(times.spent(stage::query), microseconds(20));
    EXPECT_EQ(times.now_in(), stage::work);
}

TEST(StageTimes, count_what_is_under_way_several_times_once_and_until_the_last_ends)
{
    stage_times times;
    times.begin(start);
    times.enter(stage::query, start);
    times.enter(stage::query, start + microseconds(10));
    times.leave(stage::query, start + microseconds(20));
    times.leave(stage::query, start + microseconds(40));
    times.charge(start + microseconds(45));
    EXPECT_EQ(times.spent(stage::query), microseconds(40));
    EXPECT_EQ(times.spent(stage::work), microseconds(5));
}

TEST(StageTimes, take_over_what_a_hop_to_another_shard_found)
{
    stage_times hop; // which nobody began
    hop.enter(stage::query, start + microseconds(5));
    hop.leave(stage::query, start + microseconds(25));
    stage_times times;
    times.begin(start);
    times.enter(stage::cache, start);
    times.absorb(hop, start + microseconds(30));
    EXPECT_EQ(times.spent(stage::query), microseconds(20));
    EXPECT_EQ(times.spent(stage::cache), microseconds(10));
    EXPECT_EQ(sum_of(times), microseconds(30));
}

TEST(StageTimes, add_up_where_two_hops_were_under_way_at_once)
{
    for (const stage waited : {stage::work, stage::query}) {
        stage_times one;
        one.enter(stage::query, start);
        one.leave(stage::query, start + microseconds(25));
        stage_times other;
        other.enter(stage::query, start);
        other.leave(stage::query, start + microseconds(10));
        other.enter(stage::redis, start + microseconds(10));
        other.leave(stage::redis, start + microseconds(28));
        stage_times times;
        times.begin(start);
        if (waited != stage::work) times.enter(waited, start);
        times.absorb(one, start + microseconds(30));
        times.absorb(other, start + microseconds(30));
        EXPECT_EQ(sum_of(times), microseconds(30));
        for (std::size_t i = 0; i < stage_count; ++i) EXPECT_GE(times.spent(static_cast<stage>(i)).count(), 0) << i;
    }
}

TEST(StageTimes, begin_anew)
{
    stage_times times;
    times.begin(start);
    times.enter(stage::redis, start);
    times.begin(start + microseconds(100));
    times.charge(start + microseconds(101));
    EXPECT_EQ(sum_of(times), microseconds(1));
    EXPECT_EQ(times.spent(stage::work), microseconds(1));
}

TEST(StageTimer, counts_for_the_current_request_and_for_none_where_there_is_none)
{
    {
        const stage_timer outside(stage::query);
    }
    context request;
    request.stages.begin(steady_clock::now());
    context::exchange_current(&request);
    {
        stage_timer querying(stage::query);
        EXPECT_EQ(request.stages.now_in(), stage::query);
        context::exchange_current(nullptr); // it suspends, and others run
        querying.stop();
        EXPECT_EQ(request.stages.now_in(), stage::work);
    }
    EXPECT_EQ(request.stages.now_in(), stage::work);
}

TEST(Stages, have_names)
{
    EXPECT_EQ(name(stage::work), "work");
    EXPECT_EQ(name(stage::write), "write");
}

} // namespace
} // namespace sluice

// The pipeline without a socket: what it sends, and what becomes of each query.
#include "postgres/pipeline.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::postgres {
namespace {

using answer = pipeline::answer;

// What one turn hands to libpq: a query's number, with 'p' before it where it is prepared first; '|' is a sync.
std::string turn(pipeline& p)
{
    std::string sent;
    for (auto a = p.next(); a.what != pipeline::action::kind::none; a = p.next())
        sent += a.what == pipeline::action::kind::sync ? "|" : (a.prepare ? "p" : "") + std::to_string(a.query);
    return sent;
}

std::string told(const std::optional<pipeline::decision>& d)
{
    if (!d) return "nothing";
    const char* verdicts[] = {"answered", "failed", "never sent", "again elsewhere", "lost", "outcome unknown"};
    return std::to_string(d->query) + " " + verdicts[static_cast<int>(d->becomes)];
}

void submit(pipeline& p, pipeline::ticket query, access does, bool prepare = false, bool lost_once = false)
{
    ASSERT_TRUE(p.submit({.query = query, .does = does, .prepare = prepare, .lost_once = lost_once}));
}

TEST(Pipeline, shares_one_sync_among_the_reads_of_a_turn)
{
    pipeline p(8, 3);
    for (const pipeline::ticket q : {1U, 2U, 3U}) submit(p, q, access::reads);
    EXPECT_EQ(turn(p), "123|");
    EXPECT_EQ(turn(p), "");
}

TEST(Pipeline, gives_each_write_a_sync_of_its_own)
{
    pipeline p(8, 4);
    submit(p, 1, access::reads);
    submit(p, 2, access::writes);
    submit(p, 3, access::writes);
    submit(p, 4, access::reads);
    submit(p, 5, access::reads);
    EXPECT_EQ(turn(p), "1|2|3|45|");
}

TEST(Pipeline, sends_what_comes_before_a_write_each_time_that_it_runs)
{
    pipeline p(8, 4);
    ASSERT_TRUE(p.submit({.query = 1, .does = access::writes, .prepare = true, .prepares_each_time = true}));
    for (const auto first : {answer::ok, answer::cancelled}) {
        EXPECT_EQ(turn(p), "p1|");
        EXPECT_EQ(told(p.on_answer(first)), "nothing");
        EXPECT_EQ(told(p.on_answer(first == answer::ok ? answer::cancelled : answer::aborted)), "nothing");
        EXPECT_EQ(told(p.on_sync()), "nothing");
    }
    EXPECT_EQ(turn(p), "p1|");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "1 answered");
    EXPECT_EQ(turn(p), "");
}

TEST(Pipeline, keeps_reads_for_a_larger_flight_while_enough_are_on_the_way)
{
    pipeline p(8, 2);
    for (const pipeline::ticket q : {1U, 2U}) {
        submit(p, q, access::reads);
        EXPECT_EQ(turn(p), std::to_string(q) + "|");
    }
    submit(p, 3, access::reads);
    EXPECT_EQ(turn(p), "");
    submit(p, 4, access::reads);
    EXPECT_EQ(turn(p), "");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "1 answered");
    EXPECT_EQ(turn(p), "");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_EQ(turn(p), "34|");
    submit(p, 5, access::reads);
    EXPECT_EQ(turn(p), "");
    EXPECT_EQ(told(p.on_lost()), "2 again elsewhere");
    EXPECT_EQ(told(p.on_lost()), "3 again elsewhere");
    EXPECT_EQ(told(p.on_lost()), "4 again elsewhere");
    EXPECT_EQ(told(p.on_lost()), "5 never sent");
    EXPECT_EQ(told(p.on_lost()), "nothing");
}

TEST(Pipeline, begins_a_write_at_once_unless_a_read_that_is_kept_stands_before_it)
{
    pipeline p(8, 1);
    submit(p, 1, access::reads);
    EXPECT_EQ(turn(p), "1|");
    submit(p, 2, access::writes);
    submit(p, 3, access::reads);
    EXPECT_EQ(turn(p), "2|");
    submit(p, 4, access::writes);
    EXPECT_EQ(turn(p), ""); // its order is behind the read's
    EXPECT_EQ(told(p.on_answer(answer::ok)), "1 answered");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_EQ(turn(p), "");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "2 answered");
    EXPECT_EQ(turn(p), "3|4|");
}

TEST(Pipeline, runs_the_neighbours_of_a_failed_read_again_each_on_its_own)
{
    pipeline p(8, 3);
    for (const pipeline::ticket q : {1U, 2U, 3U, 4U}) submit(p, q, access::reads);
    EXPECT_EQ(turn(p), "1234|");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "1 answered");
    EXPECT_EQ(told(p.on_answer(answer::failed)), "2 failed");
    EXPECT_EQ(told(p.on_answer(answer::aborted)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::aborted)), "nothing");
    EXPECT_EQ(turn(p), "3|4|");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "3 answered");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::failed)), "4 failed");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_TRUE(p.idle());
}

TEST(Pipeline, prepares_in_the_flight_of_the_first_use)
{
    pipeline p(8, 3);
    submit(p, 1, access::reads, true);
    submit(p, 2, access::reads);
    EXPECT_EQ(turn(p), "p12|");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "1 answered");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "2 answered");
}

TEST(Pipeline, fails_the_query_whose_preparation_failed_and_not_its_neighbour)
{
    pipeline p(8, 3);
    submit(p, 1, access::reads, true);
    submit(p, 2, access::reads);
    EXPECT_EQ(turn(p), "p12|");
    EXPECT_EQ(told(p.on_answer(answer::failed)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::aborted)), "1 failed");
    EXPECT_EQ(told(p.on_answer(answer::aborted)), "nothing");
    EXPECT_EQ(turn(p), "2|");
}

TEST(Pipeline, prepares_again_what_was_aborted_with_its_preparation)
{
    pipeline p(8, 3);
    submit(p, 1, access::reads);
    submit(p, 2, access::reads, true);
    EXPECT_EQ(turn(p), "1p2|");
    EXPECT_EQ(told(p.on_answer(answer::failed)), "1 failed");
    EXPECT_EQ(told(p.on_answer(answer::aborted)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::aborted)), "nothing");
    EXPECT_EQ(turn(p), "p2|");
}

TEST(Pipeline, prepares_again_where_a_cancellation_met_the_preparation)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes, true);
    EXPECT_EQ(turn(p), "p1|");
    EXPECT_EQ(told(p.on_answer(answer::cancelled)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::aborted)), "nothing");
    EXPECT_EQ(turn(p), "p1|");
}

TEST(Pipeline, prepares_a_stale_statement_again_once)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes);
    EXPECT_EQ(turn(p), "1|");
    EXPECT_EQ(told(p.on_answer(answer::stale)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_EQ(turn(p), "p1|");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::stale)), "1 failed");
}

TEST(Pipeline, runs_again_once_what_is_stale_at_its_first_use)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes, true);
    for (const char* becomes : {"nothing", "1 failed"}) {
        EXPECT_EQ(turn(p), "p1|");
        EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
        EXPECT_EQ(told(p.on_answer(answer::stale)), becomes);
        EXPECT_EQ(told(p.on_sync()), "nothing");
    }
}

TEST(Pipeline, prepares_once_more_what_cannot_be_prepared_under_its_name)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes, true);
    for (const char* becomes : {"nothing", "1 failed"}) {
        EXPECT_EQ(turn(p), "p1|");
        EXPECT_EQ(told(p.on_answer(answer::stale)), "nothing");
        EXPECT_EQ(told(p.on_answer(answer::aborted)), becomes);
        EXPECT_EQ(told(p.on_sync()), "nothing");
    }
}

TEST(Pipeline, tells_apart_what_a_lost_connection_leaves_behind)
{
    pipeline p(8, 3);
    submit(p, 1, access::reads);
    submit(p, 2, access::reads, false, true);
    submit(p, 3, access::writes);
    EXPECT_EQ(turn(p), "12|3|");
    submit(p, 4, access::writes);
    EXPECT_EQ(told(p.on_lost()), "1 again elsewhere");
    EXPECT_EQ(told(p.on_lost()), "2 lost");
    EXPECT_EQ(told(p.on_lost()), "3 outcome unknown");
    EXPECT_EQ(told(p.on_lost()), "4 never sent");
    EXPECT_EQ(told(p.on_lost()), "nothing");
}

TEST(Pipeline, knows_that_an_aborted_read_and_a_stale_write_were_not_done)
{
    pipeline p(8, 3);
    submit(p, 1, access::reads);
    submit(p, 2, access::reads);
    submit(p, 3, access::writes);
    EXPECT_EQ(turn(p), "12|3|");
    EXPECT_EQ(told(p.on_answer(answer::failed)), "1 failed");
    EXPECT_EQ(told(p.on_answer(answer::aborted)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::stale)), "nothing");
    EXPECT_EQ(told(p.on_lost()), "2 never sent");
    EXPECT_EQ(told(p.on_lost()), "3 never sent");
}

TEST(Pipeline, calls_a_write_done_when_its_sync_is_answered)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes);
    EXPECT_EQ(turn(p), "1|");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(p.expected(), 1u);
    EXPECT_EQ(told(p.on_sync()), "1 answered");
    EXPECT_TRUE(p.idle());
}

TEST(Pipeline, fails_a_write_whose_commit_fails)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes);
    EXPECT_EQ(turn(p), "1|");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::failed)), "1 failed");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_TRUE(p.idle());
}

TEST(Pipeline, does_not_know_the_outcome_of_a_write_whose_sync_was_lost)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes);
    EXPECT_EQ(turn(p), "1|");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_lost()), "1 outcome unknown");
    EXPECT_EQ(p.writes(), 0u);
}

TEST(Pipeline, runs_again_what_a_late_cancellation_met)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes);
    EXPECT_EQ(turn(p), "1|");
    EXPECT_EQ(told(p.on_answer(answer::cancelled)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_EQ(turn(p), "1|");
}

TEST(Pipeline, forgets_only_what_was_never_sent)
{
    pipeline p(8, 3);
    submit(p, 1, access::writes);
    EXPECT_EQ(turn(p), "1|");
    submit(p, 2, access::writes);
    EXPECT_TRUE(p.leave(2).has_value());
    EXPECT_FALSE(p.leave(1).has_value());
    EXPECT_TRUE(p.head_is_nobodys());
    EXPECT_EQ(p.writes(), 1u);
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_TRUE(p.idle());
    EXPECT_EQ(p.writes(), 0u);
}

TEST(Pipeline, lets_what_waits_behind_the_head_run_elsewhere_but_no_write_that_was_sent)
{
    pipeline p(8, 3);
    submit(p, 1, access::reads);
    submit(p, 2, access::reads);
    submit(p, 3, access::writes);
    EXPECT_EQ(turn(p), "12|3|");
    submit(p, 4, access::writes);
    std::string elsewhere;
    p.hand_over([&elsewhere](const pipeline::submission& asked, bool sent) {
        elsewhere += std::to_string(asked.query) + (sent ? " sent " : " unsent ");
    });
    EXPECT_EQ(elsewhere, "2 sent 4 unsent ");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "1 answered");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "3 answered");
}

TEST(Pipeline, lets_a_query_share_its_sync_with_the_one_that_depends_on_it)
{
    pipeline p(8, 3);
    ASSERT_TRUE(p.submit({.query = 1, .does = access::writes, .joins = true}));
    submit(p, 2, access::writes, true);
    submit(p, 3, access::reads);
    EXPECT_EQ(turn(p), "1p2|3|");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "1 answered");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "nothing");
    EXPECT_EQ(told(p.on_sync()), "2 answered");
    EXPECT_EQ(told(p.on_answer(answer::ok)), "3 answered");
}

TEST(Pipeline, takes_no_more_than_its_bound)
{
    pipeline p(1, 3);
    submit(p, 1, access::reads);
    EXPECT_FALSE(p.submit({.query = 2, .does = access::reads}));
}

} // namespace
} // namespace sluice::postgres

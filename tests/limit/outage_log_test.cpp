// What the log says of outages that follow each other, while all of them are counted: no Redis, and the test's own
// time.
#include "limit/limit_state.hpp"

#include <sluice/core/log.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;

// Keeps what is said of outages, in a word each.
class outage_words final : public log_sink
{
public:
    outage_words() : before_(exchange_log_sink(this)) {}
    ~outage_words() { exchange_log_sink(before_); }
    outage_words(const outage_words&) = delete;
    outage_words& operator=(const outage_words&) = delete;

    void write(log_level, std::string_view message, std::span<const log_field>) noexcept override
    {
        said.emplace_back(message.starts_with("Redis answers again") ? "back" : "away");
    }
    std::vector<std::string> said;

private:
    log_sink* before_;
};

class OutageLog : public ::testing::Test
{
protected:
    using words = std::vector<std::string>;

    // On one shard; whether its end is yet to be said.
    bool outage(duration lasts, outage_of what = outage_of::decisions)
    {
        limit.begin_failing("OOM", now, what);
        now += lasts;
        return !limit.end_failing(now, "run");
    }
    limit_state limit{{.quotas = {{.requests = 1}}}, {.shards = 2}};
    outage_words log;
    time_point now{1h};
};

TEST_F(OutageLog, says_when_each_that_lasts_begins_and_ends)
{
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(outage(1s));
        now += 10ms;
    }
    EXPECT_EQ(log.said, (words{"away", "back", "away", "back", "away", "back"}));
    EXPECT_EQ(limit.outages(), 3u);
}

TEST_F(OutageLog, says_when_each_begins_and_ends_that_is_brief_and_comes_alone)
{
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(outage(50ms));
        now += 11s;
    }
    EXPECT_EQ(log.said, (words{"away", "back", "away", "back", "away", "back"}));
}

TEST_F(OutageLog, says_when_each_begins_and_ends_in_which_redis_is_away)
{
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(outage(50ms, outage_of::connections));
        now += 10ms;
    }
    EXPECT_EQ(log.said, (words{"away", "back", "away", "back", "away", "back"}));
}

TEST_F(OutageLog, says_once_that_redis_comes_and_goes_and_once_that_it_stays)
{
    for (int i = 0; i < 1000; ++i) {
        (void)outage(50ms);
        now += 250ms;
        limit.say_settled(now);
    }
    EXPECT_EQ(log.said, (words{"away", "back", "away"}));
    EXPECT_EQ(limit.outages(), 1000u);
    now += 10s;
    limit.say_settled(now);
    limit.say_settled(now);
    EXPECT_EQ(log.said, (words{"away", "back", "away", "back"}));
}

TEST_F(OutageLog, never_says_that_it_stays_while_it_is_away)
{
    (void)outage(50ms);
    now += 1s;
    EXPECT_TRUE(outage(50ms));
    now += 1s;
    limit.begin_failing("OOM", now, outage_of::decisions);
    now += 1h;
    limit.say_settled(now);
    EXPECT_EQ(log.said, (words{"away", "back", "away"}));
    EXPECT_FALSE(limit.end_failing(now, "run"));
    limit.say_settled(now);
    EXPECT_EQ(log.said, (words{"away", "back", "away"}));
    now += 10s;
    limit.say_settled(now);
    EXPECT_EQ(log.said, (words{"away", "back", "away", "back"}));
    EXPECT_FALSE(outage(1s));
}

TEST_F(OutageLog, is_about_the_process_not_its_shards)
{
    limit.begin_failing("OOM", now, outage_of::decisions);
    limit.begin_failing("OOM", now, outage_of::decisions);
    EXPECT_TRUE(limit.end_failing(now, "run"));
    EXPECT_EQ(log.said, (words{"away"}));
    EXPECT_TRUE(limit.end_failing(now, "run"));
    EXPECT_EQ(log.said, (words{"away", "back"}));
    EXPECT_EQ(limit.outages(), 1u);
}

TEST_F(OutageLog, goes_with_a_number_for_each_run_of_redis_that_is_or_may_be_another)
{
    const auto first = limit.run_number("one");
    EXPECT_EQ(limit.run_number("one"), first);
    EXPECT_EQ(limit.run_number(""), first) << "not known now";
    limit.begin_failing("away", now, outage_of::connections);
    EXPECT_TRUE(limit.end_failing(now, "one"));
    EXPECT_EQ(limit.run_number("one"), first);
    const auto other = limit.run_number("other");
    EXPECT_NE(other, first);
    limit.begin_failing("away", now, outage_of::connections);
    (void)limit.end_failing(now, "");
    EXPECT_NE(limit.run_number("other"), other);
}

} // namespace
} // namespace sluice::limit

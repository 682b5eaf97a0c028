// A subscriber beside a real Redis to which things happen: what is heard, and that every gap is told. Run by server.py.
#include "redis.hpp"

#include <sluice/redis/subscriber.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

// What a subscriber told, in order, for the test's own thread.
class diary
{
public:
    void write(std::string line)
    {
        const std::scoped_lock lock(mutex_);
        lines_.push_back(std::move(line));
        changed_.notify_all();
    }
    // Once there are that many lines.
    std::vector<std::string> lines(std::size_t count)
    {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return lines_.size() >= count; })) << "waited in vain";
        return lines_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> lines_;
};

class Subscriber : public test::Redis
{
protected:
    void TearDown() override
    {
        test::order("thaw");
        if (test::admin({"PING"}).empty()) test::order("start");
    }
    subscriber_options to(std::vector<std::string> channels) const
    {
        return {.where = parse_url(test::environment("SLUICE_TEST_REDIS_URL")).value(),
                .channels = std::move(channels),
                .connect_timeout = 20s,
                .answer_timeout = 20s};
    }
    subscriber_options hasty(std::vector<std::string> channels) const
    {
        subscriber_options o = to(std::move(channels));
        o.connect_timeout = o.ping_after = o.answer_timeout = 100ms;
        return o;
    }
    subscriber& listen(subscriber_options o)
    {
        return *shards.run([this, o]() -> task<subscriber*> {
            shard& here = shard::current();
            subscriber::functions tell;
            tell.heard = [this](const message& m) {
                told.write(std::string(m.channel) + "=" + std::string(m.payload));
            };
            tell.subscribed = [this] { told.write("subscribed"); };
            tell.lost = [this] { told.write("lost"); };
            co_return &here.own<subscriber>(here, blocking, o, std::move(tell));
        });
    }
    subscriber_counters counters_of(subscriber& s)
    {
        return shards.run([&s]() -> task<subscriber_counters> { co_return s.counters(); });
    }
    std::string run_id_of(subscriber& s)
    {
        return shards.run([&s]() -> task<std::string> { co_return std::string(s.run_id()); });
    }

    diary told;
};

using lines = std::vector<std::string>;

TEST_F(Subscriber, hears_what_is_published_on_its_channels_from_when_it_says_so)
{
    const std::string binary("a\0\r\n", 4);
    subscriber& s = listen(to({"one", binary}));
    EXPECT_EQ(told.lines(1), lines{"subscribed"});
    EXPECT_EQ(test::admin({"PUBLISH", "one", "x"}), "1");
    EXPECT_EQ(test::admin({"PUBLISH", "other", "x"}), "0");
    EXPECT_EQ(test::admin({"PUBLISH", binary, binary}), "1");
    EXPECT_EQ(told.lines(3), (lines{"subscribed", "one=x", binary + "=" + binary}));
    EXPECT_EQ(counters_of(s).messages, 2u);
    EXPECT_EQ(run_id_of(s).size(), 40u);
}

TEST_F(Subscriber, hears_many_at_once_in_their_order)
{
    listen(to({"one"}));
    (void)told.lines(1);
    ASSERT_EQ(test::admin({"EVAL", "for i = 1, 10000 do redis.call('PUBLISH', 'one', i) end return 1", "0"}), "1");
    const auto all = told.lines(10001);
    ASSERT_EQ(all.size(), 10001u);
    for (std::size_t i = 1; i < all.size(); ++i) ASSERT_EQ(all[i], "one=" + std::to_string(i));
}

TEST_F(Subscriber, tells_of_a_dropped_connection_and_of_the_next)
{
    subscriber& s = listen(to({"one"}));
    (void)told.lines(1);
    ASSERT_EQ(test::admin({"CLIENT", "KILL", "TYPE", "pubsub"}), "1");
    EXPECT_EQ(told.lines(3), (lines{"subscribed", "lost", "subscribed"}));
    EXPECT_EQ(test::admin({"PUBLISH", "one", "x"}), "1");
    EXPECT_EQ(told.lines(4).back(), "one=x");
    EXPECT_EQ(counters_of(s).losses, 1u);
}

TEST_F(Subscriber, is_there_again_after_a_restart_whose_run_has_another_id)
{
    subscriber& s = listen(to({"one"}));
    (void)told.lines(1);
    const std::string before = run_id_of(s);
    test::order("kill");
    EXPECT_EQ(told.lines(2).back(), "lost");
    EXPECT_EQ(run_id_of(s), "");
    test::order("start");
    EXPECT_EQ(told.lines(3).back(), "subscribed");
    EXPECT_NE(run_id_of(s), before);
    EXPECT_NE(run_id_of(s), "");
}

TEST_F(Subscriber, waits_for_a_server_that_is_away_at_start_and_tells_nothing_meanwhile)
{
    test::order("kill");
    subscriber& s = listen(hasty({"one"}));
    while (counters_of(s).failed_connects == 0) std::this_thread::sleep_for(1ms);
    test::order("start");
    EXPECT_EQ(told.lines(1), lines{"subscribed"});
}

TEST_F(Subscriber, finds_out_that_a_server_is_frozen)
{
    subscriber& s = listen(hasty({"one"}));
    (void)told.lines(1);
    test::order("freeze");
    EXPECT_EQ(told.lines(2), (lines{"subscribed", "lost"}));
    EXPECT_EQ(counters_of(s).losses, 1u);
    test::order("thaw");
    EXPECT_EQ(told.lines(3).back(), "subscribed");
}

TEST_F(Subscriber, keeps_a_connection_on_which_nothing_happens)
{
    subscriber_options o = hasty({"one"});
    o.ping_after = 1ms;
    o.answer_timeout = 20s;
    subscriber& s = listen(o);
    (void)told.lines(1);
    const auto pings = [] {
        const std::string calls = test::admin({"INFO", "commandstats"});
        const auto at = calls.find("cmdstat_ping:calls=");
        return at == std::string::npos ? 0 : std::atoi(calls.c_str() + at + 19);
    };
    while (pings() < 20) std::this_thread::sleep_for(5ms);
    EXPECT_EQ(counters_of(s).losses, 0u);
    EXPECT_EQ(told.lines(1), lines{"subscribed"});
}

TEST_F(Subscriber, ends_a_connection_that_brings_a_message_above_the_bound_and_tells_of_the_loss)
{
    subscriber_options o = to({"one"});
    o.message_bytes_max = 10'000;
    listen(o);
    (void)told.lines(1);
    ASSERT_EQ(test::admin({"PUBLISH", "one", std::string(20'000, 'x')}), "1");
    EXPECT_EQ(told.lines(3), (lines{"subscribed", "lost", "subscribed"}));
}

TEST_F(Subscriber, is_there_again_after_it_was_cut_off_for_all_that_it_has_not_read)
{
    ASSERT_EQ(test::admin({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 32768 0 0"}), "OK");
    subscriber& s = listen(to({"one"}));
    (void)told.lines(1);
    const char* const many = "for i = 1, 1000 do redis.call('PUBLISH', 'one', ('x'):rep(1000)) end return 1";
    ASSERT_EQ(test::admin({"EVAL", many, "0"}), "1");
    while (counters_of(s).losses == 0 || !counters_of(s).subscribed) std::this_thread::sleep_for(1ms);
    ASSERT_EQ(test::admin({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 33554432 8388608 60"}), "OK");
    EXPECT_EQ(told.lines(1).back(), "subscribed");
    EXPECT_EQ(std::ranges::count(told.lines(1), "lost"), 1);
    const std::size_t before = told.lines(1).size();
    EXPECT_EQ(test::admin({"PUBLISH", "one", "y"}), "1");
    EXPECT_EQ(told.lines(before + 1).back(), "one=y");
}

TEST_F(Subscriber, is_never_subscribed_where_it_may_not_be)
{
    ASSERT_EQ(test::admin({"ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "resetchannels", "&two"}), "OK");
    subscriber_options o = hasty({"one"});
    o.where.user = "app";
    o.where.password = "secret";
    subscriber& s = listen(o);
    while (counters_of(s).losses < 2) std::this_thread::sleep_for(1ms);
    EXPECT_FALSE(counters_of(s).subscribed);
    ASSERT_EQ(test::admin({"ACL", "SETUSER", "app", "&one"}), "OK");
    EXPECT_EQ(told.lines(1), lines{"subscribed"});
    ASSERT_EQ(test::admin({"ACL", "DELUSER", "app"}), "1");
    EXPECT_EQ(told.lines(2).back(), "lost");
}

TEST_F(Subscriber, a_shard_ends_under_it_and_no_loss_is_told)
{
    {
        sluice::test::shard_runner brief;
        ASSERT_TRUE(brief.run([this]() -> task<bool> {
            shard& here = shard::current();
            here.own<subscriber>(here, blocking, to({"one"}),
                                 subscriber::functions{.heard = [](const message&) {},
                                                       .subscribed = [this] { told.write("subscribed"); },
                                                       .lost = [this] { told.write("lost"); }});
            co_return true;
        }));
        (void)told.lines(1);
    }
    EXPECT_EQ(told.lines(1), lines{"subscribed"});
}

} // namespace
} // namespace sluice::redis

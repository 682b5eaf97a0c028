// Counters by key within bounds, and whom a key names.
#include "arrivals.hpp"
#include "limit/counter_table.hpp"
#include "some_rules.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using test::a_second;
using test::of;
using test::some_day;

client_key client(int i) { return client_key::of_text("client " + std::to_string(i)); }

verdict ask(counter_table& in, const client_key& key, const rules& by, micros now, std::uint32_t cost = 1)
{
    return in.decide(key, key.hash(), by, {.cost = cost}, now);
}

TEST(CounterTable, counts_each_key_by_itself)
{
    counter_table table(1024);
    const rules by = of({{.requests = 2, .window = 1s}});
    EXPECT_TRUE(ask(table, client(1), by, some_day, 2).passes);
    EXPECT_FALSE(ask(table, client(1), by, some_day).passes);
    EXPECT_TRUE(ask(table, client(2), by, some_day, 2).passes);
    EXPECT_EQ(table.used(client(1), client(1).hash(), by, some_day)[0], 2u);
    EXPECT_EQ(table.used(client(3), client(3).hash(), by, some_day)[0], 0u);
    EXPECT_TRUE(ask(table, client(1), by, some_day + 2 * a_second).passes);
    EXPECT_EQ(table.evicted(), 0u);
}

TEST(CounterTable, counts_what_was_let_pass_elsewhere_beside_what_it_let_pass_meanwhile)
{
    counter_table table(1024);
    const rules by = of({{.requests = 10, .window = 1s}, {.requests = 100, .window = 10s}});
    const auto hear = [&](spent_counts others, std::uint32_t let_pass) {
        table.hear(client(1), client(1).hash(), by, others, let_pass, some_day);
        const spent_counts now = table.used(client(1), client(1).hash(), by, some_day);
        return std::pair(now[0], now[1]);
    };
    EXPECT_TRUE(ask(table, client(1), by, some_day, 2).passes);
    EXPECT_EQ(hear({2, 2}, 0), std::pair(2u, 2u)) << "known";
    EXPECT_EQ(hear({2, 2}, 1), std::pair(3u, 3u));
    EXPECT_EQ(hear({2, 2}, 1), std::pair(4u, 4u)) << "another one";
    EXPECT_EQ(hear({6, 7}, 1), std::pair(7u, 8u));
    EXPECT_EQ(hear({0, 8}, 50), std::pair(17u, 58u)) << "dearer than a limit";
}

TEST(CounterTable, hands_over_once_what_it_let_pass_and_all_of_it_to_each_run_of_redis)
{
    counter_table table(1024);
    const rules by = of({{.requests = 10, .window = 1s}});
    const std::uint64_t hash = client(1).hash();
    const auto hand_over = [&](std::uint32_t run) {
        const auto what = table.hand_over(client(1), hash, run);
        return std::pair(what.count, what.anew);
    };
    EXPECT_EQ(hand_over(1), std::pair(0u, false)) << "it knows nothing of him";
    EXPECT_TRUE(ask(table, client(1), by, some_day, 2).passes);
    table.hear(client(1), hash, by, {5}, 1, some_day); // which Redis said
    EXPECT_FALSE(ask(table, client(1), by, some_day, 9).passes);
    EXPECT_TRUE(table.decide(client(1), hash, by, {.cost = 1, .counted = true}, some_day).passes);
    using enum counter_table::heard;
    const auto told = [&](std::uint32_t count, bool anew, counter_table::heard by_redis) {
        table.told(client(1), hash, {.count = count, .anew = anew}, by_redis);
    };
    EXPECT_EQ(hand_over(1), std::pair(2u, true));
    EXPECT_EQ(hand_over(1), std::pair(0u, true)) << "it may be there before the first";
    told(2, true, yes);
    told(0, true, yes);
    EXPECT_EQ(hand_over(1), std::pair(0u, false));
    EXPECT_EQ(hand_over(2), std::pair(0u, true));
    told(0, true, no);
    EXPECT_TRUE(ask(table, client(1), by, some_day).passes);
    EXPECT_EQ(hand_over(2), std::pair(1u, true));
    told(1, true, yes);
    EXPECT_TRUE(ask(table, client(1), by, some_day).passes);
    EXPECT_EQ(hand_over(2), std::pair(1u, false));
    told(1, false, no);
    EXPECT_EQ(hand_over(2), std::pair(1u, false));
    told(1, false, unknown);
    EXPECT_EQ(hand_over(2), std::pair(0u, true)) << "what it may have heard it need not hear again";
    told(0, true, yes);
    EXPECT_TRUE(ask(table, client(1), by, some_day).passes);
    EXPECT_TRUE(table.decide(client(1), hash, by, {.cost = 0}, some_day + 2 * a_second).passes);
    EXPECT_EQ(hand_over(2), std::pair(0u, false)) << "it has left the window";
}

TEST(CounterTable, does_not_hand_over_what_came_back_of_a_lease_unless_redis_has_heard_of_it)
{
    counter_table table(1024);
    const rules by = of({{.requests = 6400, .window = 15s}, {.requests = 640'000, .window = 1500s}});
    const std::uint64_t hash = client(1).hash();
    const auto decide = [&](const question& asked, micros now) {
        return table.decide(client(1), hash, by, asked, now);
    };
    const verdict first = decide({.want = 100}, some_day);
    ASSERT_EQ(first.lease, 100u);
    const verdict second =
        decide({.want = 100, .back = 70, .back_at = first.lease_end}, some_day + a_second + a_second / 2);
    ASSERT_EQ(second.lease, 100u);
    EXPECT_EQ(table.hand_over(client(1), hash, 1).count, 1u + 30 + 1 + 100);
    EXPECT_TRUE(decide({.cost = 3, .back = 100, .back_at = second.lease_end}, some_day + 3 * a_second).passes);
    EXPECT_EQ(table.hand_over(client(1), hash, 1).count, 3u) << "that lease was told, and will leave before these";
    const verdict counted = decide({.want = 100, .counted = true}, some_day + 5 * a_second);
    ASSERT_EQ(counted.lease, 100u);
    EXPECT_TRUE(decide({.cost = 3, .back = 100, .back_at = counted.lease_end}, some_day + 7 * a_second).passes);
    EXPECT_EQ(table.hand_over(client(1), hash, 1).count, 3u) << "so was this";
    const verdict last = decide({.want = 100}, some_day + 9 * a_second);
    EXPECT_TRUE(decide({.cost = 3, .back = 100, .back_at = last.lease_end}, some_day + 26 * a_second).passes);
    EXPECT_EQ(table.hand_over(client(1), hash, 1).count, 101u + 3) << "it has left one of the windows";
    const verdict foreign = decide({.want = 100}, some_day + 28 * a_second);
    EXPECT_TRUE(decide({.back = 100, .back_at = foreign.lease_end / 2}, some_day + 28 * a_second).passes);
    EXPECT_EQ(table.hand_over(client(1), hash, 1).count, 102u) << "a lease of Redis";
}

TEST(CounterTable, has_nobody_refused_at_half_of_his_limit_after_a_long_outage_of_a_redis_that_lost_nothing)
{
    test::own_counter redis;
    counter_table table(1024);
    const rules by = of({{.requests = 100, .window = 15s}});
    const std::uint64_t hash = client(1).hash();
    micros now = some_day;
    const auto next = [&] { return now += 15 * a_second / 50; };
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(redis.decide(by, {}, next()).passes);
    const question known{.cost = 0, .least = {50}, .anew = true, .run = 1};
    ASSERT_TRUE(table.decide(client(1), hash, by, known, now).passes);
    for (int i = 0; i < 45; ++i) ASSERT_TRUE(ask(table, client(1), by, next()).passes);
    const auto untold = table.hand_over(client(1), hash, 1);
    EXPECT_FALSE(untold.anew);
    question telling{.more = untold.count, .least = table.used(client(1), hash, by, next()), .anew = untold.anew};
    for (int i = 0; i < 50; ++i, telling = {}) EXPECT_TRUE(redis.decide(by, telling, next()).passes) << i;
    table.told(client(1), hash, untold, counter_table::heard::yes);
    EXPECT_TRUE(table.hand_over(client(1), hash, 2).anew) << "another run";
}

TEST(CounterTable, does_not_forget_who_is_over_the_limit_for_a_million_who_come_once)
{
    counter_table table(4096);
    const rules by = of({{.requests = 10, .window = 60s}});
    const client_key attacker = client(-1);
    ASSERT_TRUE(ask(table, attacker, by, some_day, 10).passes);
    for (int i = 0; i < 1'000'000; ++i)
        ASSERT_TRUE(ask(table, client(i), by, some_day + static_cast<micros>(i)).passes);
    EXPECT_FALSE(ask(table, attacker, by, some_day + a_second).passes);
    EXPECT_GT(table.evicted(), 900'000u);
}

TEST(CounterTable, gives_up_counters_that_are_empty_before_any_other)
{
    counter_table table(64);
    const rules by = of({{.requests = 10, .window = 1s}});
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(ask(table, client(i), by, some_day, 10).passes);
    const std::uint64_t before = table.evicted();
    for (int i = 1000; i < 1064; ++i) ASSERT_TRUE(ask(table, client(i), by, some_day + 5 * a_second).passes);
    EXPECT_LT(table.evicted(), before + 30) << "only where sets were fuller than others";
}

TEST(CounterTable, keeps_counts_where_a_limit_changes_and_begins_anew_where_a_window_does)
{
    counter_table table(64);
    ASSERT_TRUE(ask(table, client(1), of({{.requests = 3, .window = 60s}}), some_day, 3).passes);
    EXPECT_EQ(ask(table, client(1), of({{.requests = 5, .window = 60s}}), some_day).standings[0].left, 1u);
    EXPECT_FALSE(ask(table, client(1), of({{.requests = 2, .window = 60s}}), some_day).passes);
    const rules other = of({{.requests = 2, .window = 30s}, {.requests = 9, .window = 90s}});
    EXPECT_EQ(ask(table, client(1), other, some_day).standings[1].left, 8u);
}

std::string name_of(const client_key& key)
{
    std::string text(client_key::name_size, ' ');
    key.write_name(text.data());
    return text;
}

TEST(ClientKey, is_the_address_and_of_an_ipv6_address_the_first_half)
{
    EXPECT_EQ(client_key::of_client("192.0.2.1"), client_key::of_client("::ffff:192.0.2.1"));
    EXPECT_NE(client_key::of_client("192.0.2.1"), client_key::of_client("192.0.2.2"));
    EXPECT_EQ(client_key::of_client("2001:db8:1:2::1"), client_key::of_client("2001:db8:1:2:ffff::9"));
    EXPECT_NE(client_key::of_client("2001:db8:1:2::1"), client_key::of_client("2001:db8:1:3::1"));
    EXPECT_NE(client_key::of_client("::1"), client_key::of_client("0.0.0.0"));
    EXPECT_EQ(name_of(client_key::of_client("192.0.2.1")), "4000000000000000000000000c0000201");
    EXPECT_EQ(name_of(client_key::of_client("2001:db8::1")), "620010db8000000000000000000000000");
}

TEST(ClientKey, has_a_name_of_one_size_whatever_a_client_says)
{
    EXPECT_EQ(name_of(client_key::of_text("abc")), "t06b05ab6733a618578af5f94892f3950") << "the same in every process";
    EXPECT_EQ(name_of(client_key::of_text(std::string(100'000, 'x'))).size(), client_key::name_size);
    EXPECT_NE(client_key::of_text("192.0.2.1"), client_key::of_client("192.0.2.1"));
    EXPECT_EQ(client_key::of_client("unix"), client_key::of_text("unix"));
}

} // namespace
} // namespace sluice::limit

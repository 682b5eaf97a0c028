// Whose each reply is, and what becomes of whom when the connection is lost: no socket, no clock.
#include "redis/multiplexer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::redis {
namespace {

using tickets = std::vector<multiplexer::ticket>;
constexpr multiplexer::limits roomy{.commands_max = 100, .waiting_bytes_max = 1000};

multiplexer connected(multiplexer::limits l = roomy)
{
    multiplexer made(l);
    made.begin();
    return made;
}

// A whole flight, sent at once.
std::string fly(multiplexer& m)
{
    std::string bytes(m.take_off());
    if (!bytes.empty()) m.landed();
    return bytes;
}

multiplexer::ticket answered(multiplexer& m)
{
    const auto whose = m.on_reply();
    EXPECT_TRUE(whose);
    return whose.value_or(multiplexer::nobody);
}

tickets lost(multiplexer& m)
{
    tickets all;
    while (const auto one = m.on_lost()) all.push_back(*one);
    return all;
}

tickets dropped(multiplexer& m)
{
    tickets all;
    while (const auto one = m.drop()) all.push_back(*one);
    return all;
}

TEST(Multiplexer, sends_in_one_flight_what_gathered_and_gives_the_replies_in_order)
{
    multiplexer m = connected();
    for (multiplexer::ticket t = 1; t <= 3; ++t) ASSERT_TRUE(m.submit(t, std::string(1, static_cast<char>('a' + t))));
    EXPECT_EQ(fly(m), "bcd");
    EXPECT_EQ(fly(m), "");
    for (multiplexer::ticket t = 1; t <= 3; ++t) EXPECT_EQ(answered(m), t);
    EXPECT_TRUE(m.idle());
}

TEST(Multiplexer, lets_no_flight_leave_before_the_last_has_landed)
{
    multiplexer m = connected();
    ASSERT_TRUE(m.submit(1, "a"));
    EXPECT_EQ(m.take_off(), "a");
    ASSERT_TRUE(m.submit(2, "b"));
    EXPECT_EQ(m.take_off(), "");
    EXPECT_EQ(answered(m), 1u); // a reply may come before the sending is known to be done
    m.landed();
    EXPECT_EQ(fly(m), "b");
}

TEST(Multiplexer, sends_nothing_before_a_connection_begins)
{
    multiplexer m(roomy);
    ASSERT_TRUE(m.submit(1, "a"));
    EXPECT_EQ(m.take_off(), "");
    EXPECT_FALSE(m.on_reply());
    m.begin();
    EXPECT_EQ(fly(m), "a");
    EXPECT_EQ(answered(m), 1u);
}

TEST(Multiplexer, takes_nothing_at_a_bound)
{
    multiplexer few = connected({.commands_max = 2, .waiting_bytes_max = 1000});
    ASSERT_TRUE(few.submit(1, "a"));
    ASSERT_TRUE(few.submit(2, "b"));
    EXPECT_FALSE(few.submit(3, "c"));
    fly(few);
    EXPECT_FALSE(few.submit(3, "c")) << "those sent count, too";
    EXPECT_EQ(answered(few), 1u);
    EXPECT_TRUE(few.submit(3, "c"));

    multiplexer small = connected({.commands_max = 100, .waiting_bytes_max = 3});
    ASSERT_TRUE(small.submit(1, "aa"));
    EXPECT_FALSE(small.submit(2, "bb"));
    fly(small);
    EXPECT_TRUE(small.submit(2, "bb"));
}

TEST(Multiplexer, never_sends_what_was_left_before_and_passes_over_the_reply_of_what_was_left_after)
{
    multiplexer m = connected();
    const auto first = m.submit(1, "a"), second = m.submit(2, "b"), third = m.submit(3, "c");
    ASSERT_TRUE(first && second && third);
    EXPECT_TRUE(m.leave(*second));
    EXPECT_EQ(fly(m), "ac");
    EXPECT_FALSE(m.leave(*first));
    EXPECT_EQ(answered(m), multiplexer::nobody);
    EXPECT_EQ(answered(m), 3u);
    EXPECT_TRUE(m.idle());
}

TEST(Multiplexer, expects_no_reply_where_everyone_had_left)
{
    multiplexer m = connected();
    const auto only = m.submit(1, "a");
    EXPECT_TRUE(m.leave(*only));
    EXPECT_EQ(m.take_off(), "");
    EXPECT_FALSE(m.expects());
    EXPECT_TRUE(m.idle());
    EXPECT_FALSE(m.on_reply());
    ASSERT_TRUE(m.submit(2, "b"));
    EXPECT_EQ(fly(m), "b");
    EXPECT_EQ(answered(m), 2u);
}

TEST(Multiplexer, when_the_connection_is_lost_tells_what_was_sent_and_keeps_what_waits)
{
    multiplexer m = connected();
    const auto gone = m.submit(1, "a");
    ASSERT_TRUE(m.submit(2, "b"));
    EXPECT_EQ(m.take_off(), "ab");
    ASSERT_TRUE(m.submit(3, "c"));
    const auto impatient = m.submit(4, "d");
    EXPECT_FALSE(m.leave(*gone));
    EXPECT_EQ(lost(m), tickets{2});
    EXPECT_EQ(m.take_off(), "");
    m.landed();
    EXPECT_TRUE(m.leave(*impatient));

    m.begin();
    EXPECT_EQ(fly(m), "c");
    EXPECT_EQ(answered(m), 3u);
    EXPECT_TRUE(m.idle());
}

TEST(Multiplexer, drops_who_waits_in_vain)
{
    multiplexer m(roomy);
    ASSERT_TRUE(m.submit(1, "a"));
    const auto impatient = m.submit(2, "b");
    ASSERT_TRUE(m.submit(3, "c"));
    EXPECT_TRUE(m.leave(*impatient));
    EXPECT_EQ(dropped(m), (tickets{1, 3}));
    EXPECT_TRUE(m.idle());
    m.begin();
    EXPECT_EQ(m.take_off(), "");
    ASSERT_TRUE(m.submit(4, "d"));
    EXPECT_EQ(fly(m), "d");
}

TEST(Multiplexer, finds_everyone_in_a_long_life_of_flights_losses_and_departures)
{
    multiplexer m = connected();
    multiplexer::ticket next = 1;
    for (int round = 0; round < 2000; ++round) {
        tickets flying;
        for (int i = 0; i < 20; ++i, ++next) {
            const auto at = m.submit(next, "x");
            ASSERT_TRUE(at);
            if (next % 7 == 0)
                EXPECT_TRUE(m.leave(*at));
            else
                flying.push_back(next);
        }
        EXPECT_EQ(fly(m), std::string(flying.size(), 'x'));
        if (round % 5 == 0) {
            EXPECT_EQ(lost(m), flying);
            m.begin();
        } else {
            for (const auto t : flying) EXPECT_EQ(answered(m), t);
        }
        EXPECT_TRUE(m.idle());
    }
}

} // namespace
} // namespace sluice::redis

#include "tier.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::cache::testing {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::string key_of(int number) { return "key:" + std::to_string(number); }

TEST(First_tier, gives_what_was_put)
{
    tier t(mebibyte);
    EXPECT_EQ(t.find("a"), "none");
    t.put("a", "first");
    t.put("b", "second");
    EXPECT_EQ(t.find("a"), "first");
    EXPECT_EQ(t.find("b"), "second");
    EXPECT_EQ(t.counters().hits, 2U);
    EXPECT_EQ(t.counters().misses, 1U);
    EXPECT_EQ(t.counters().insertions, 2U);
    EXPECT_EQ(t.counters().entries, 2U);
}

TEST(First_tier, keeps_keys_and_values_of_any_bytes_and_none)
{
    tier t(mebibyte);
    const std::string zeros(3, '\0'), longer(4, '\0');
    t.put("", "the empty key");
    t.put(zeros, "");
    t.put(longer, std::string_view("\0x\0", 3));
    EXPECT_EQ(t.find(""), "the empty key");
    EXPECT_EQ(t.find(zeros), "");
    EXPECT_EQ(t.find(longer), std::string_view("\0x\0", 3));
}

TEST(First_tier, replaces_a_value_by_a_shorter_a_longer_and_an_equal_one)
{
    tier t(mebibyte);
    for (const std::size_t size : {100U, 100U, 20U, 60U, 100U, 101U, 5000U, 1U, 0U, 2000U}) {
        const std::string value(size, static_cast<char>('a' + size % 26));
        t.put("key", value);
        EXPECT_EQ(t.find("key"), value);
        EXPECT_EQ(t.counters().entries, 1U);
    }
    EXPECT_EQ(t.counters().insertions, 1U);
    EXPECT_EQ(t.counters().updates, 9U);
    EXPECT_EQ(t.counters().evictions, 0U);
}

TEST(First_tier, is_stale_then_gone_as_time_passes)
{
    tier t(mebibyte);
    t.put("key", "value", 10, 20);
    const auto fresh = t.look("key", 9);
    ASSERT_TRUE(fresh);
    EXPECT_EQ(fresh->fresh_until, at(10));
    EXPECT_EQ(fresh->stale_until, at(20));
    EXPECT_EQ(t.find("key", 10), "value");
    EXPECT_EQ(t.find("key", 19), "value");
    EXPECT_EQ(t.counters().hits, 1U);
    EXPECT_EQ(t.counters().stale_hits, 2U);
    EXPECT_EQ(t.find("key", 20), "none");
    EXPECT_EQ(t.find("key", 20), "none");
    EXPECT_EQ(t.counters().expirations, 1U);
    EXPECT_EQ(t.counters().misses, 2U);
    EXPECT_EQ(t.counters().entries, 0U);
    t.put("key", "again", 30, 30);
    EXPECT_EQ(t.find("key", 29), "again");
}

TEST(First_tier, remembers_an_absence)
{
    tier t(mebibyte);
    t.put("nobody", "", 5, 5, entry_flags::absent);
    t.put("somebody", "x");
    EXPECT_EQ(t.look("nobody")->flags, entry_flags::absent);
    EXPECT_EQ(t.look("somebody")->flags, entry_flags::none);
    t.put("nobody", "born");
    EXPECT_EQ(t.look("nobody")->flags, entry_flags::none);
}

TEST(First_tier, forgets_what_is_erased)
{
    tier t(mebibyte);
    EXPECT_FALSE(t.erase("key"));
    t.put("key", "value");
    EXPECT_TRUE(t.erase("key"));
    EXPECT_FALSE(t.erase("key"));
    EXPECT_EQ(t.find("key"), "none");
    EXPECT_EQ(t.counters().erasures, 1U);
    EXPECT_EQ(t.counters().entries, 0U);
    t.put("key", "more than it was");
    EXPECT_EQ(t.find("key"), "more than it was");
}

TEST(First_tier, clear_drops_everything_however_often)
{
    tier t(mebibyte);
    for (int round = 0; round < 1000; ++round) {
        // Others each round: what an earlier generation of the index held must not come back.
        for (int i = 0; i < 10; ++i) t.put(key_of(round * 7 + i), "value");
        ASSERT_EQ(t.counters().entries, 10U);
        t.under_test.clear();
        ASSERT_EQ(t.counters().entries, 0U);
        for (int i = -20; i < 10; ++i) ASSERT_EQ(t.find(key_of(round * 7 + i)), "none");
    }
    EXPECT_EQ(t.counters().erasures, 10'000U);
}

TEST(First_tier, keeps_everything_while_there_is_room)
{
    tier t(mebibyte);
    for (int i = 0; i < 5000; ++i) t.put(key_of(i), std::string(100, 'v'));
    for (int i = 0; i < 5000; ++i) ASSERT_EQ(t.find(key_of(i)), std::string(100, 'v')) << i;
    EXPECT_EQ(t.counters().evictions, 0U);
}

TEST(First_tier, refuses_an_entry_that_is_too_large_and_drops_what_it_should_have_replaced)
{
    tier t(mebibyte), narrow(mebibyte, 1000);
    t.put("key", "small");
    t.put("key", std::string(mebibyte / 8, 'x'));
    EXPECT_EQ(t.find("key"), "none");
    EXPECT_EQ(t.counters().refused, 1U);
    t.put("key", std::string(mebibyte / 8 - 40, 'x'));
    EXPECT_EQ(t.find("key").size(), mebibyte / 8 - 40);
    t.put(std::string(70'000, 'k'), "value");
    EXPECT_EQ(t.find(std::string(70'000, 'k')), "none");
    EXPECT_EQ(t.counters().refused, 2U);
    narrow.put("key", std::string(1000, 'x'));
    EXPECT_EQ(narrow.counters().refused, 1U);
}

TEST(First_tier, of_no_bytes_is_off)
{
    for (const std::size_t bytes : {std::size_t{0}, first_tier_bytes_min - 1}) {
        tier t(bytes);
        t.put("key", "value");
        EXPECT_EQ(t.find("key"), "none");
        EXPECT_FALSE(t.erase("key"));
        t.under_test.clear();
        EXPECT_EQ(t.counters().misses, 0U);
        EXPECT_EQ(t.counters().bytes, 0U);
    }
}

TEST(First_tier, works_at_every_small_size)
{
    for (std::size_t bytes = first_tier_bytes_min; bytes < 200'000; bytes += 1013) {
        tier t(bytes);
        for (int i = 0; i < 3000; ++i) {
            const std::string value(static_cast<std::size_t>(i % 700), 'v');
            t.put(key_of(i), value);
            ASSERT_EQ(t.find(key_of(i)), value) << bytes;
        }
        EXPECT_LE(t.counters().bytes, bytes);
        EXPECT_GT(t.counters().evictions, 0U);
    }
}

// What new entries push out first is what nobody asked for.
TEST(First_tier, a_scan_leaves_what_is_asked_for_again)
{
    tier t(mebibyte);
    const std::string value(100, 'v');
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 1000; ++i)
            if (t.find(key_of(i)) == "none") t.put(key_of(i), value);
    for (int i = 0; i < 100'000; ++i) t.put("scanned:" + std::to_string(i), value);
    int left = 0;
    for (int i = 0; i < 1000; ++i) left += t.find(key_of(i)) == value;
    EXPECT_GE(left, 950);
}

TEST(First_tier, a_key_that_comes_again_soon_after_it_was_dropped_stays)
{
    tier t(mebibyte);
    const std::string value(100, 'v');
    for (int i = 0; i < 10'000; ++i) t.put("filler:" + std::to_string(i), value);
    auto scan = [&, next = 0](int count) mutable {
        for (int i = 0; i < count; ++i) t.put("scanned:" + std::to_string(next++), value);
    };
    t.put("key", value);
    scan(2000);
    ASSERT_EQ(t.find("key"), "none");
    t.put("key", value);
    scan(2000);
    EXPECT_EQ(t.find("key"), value);
}

// Whoever can choose keys cannot make anything slow: of those that collide, some stay and all that are found are right.
TEST(First_tier, many_keys_of_one_hash_push_each_other_out_and_nobody_else)
{
    tier t(16 * mebibyte);
    for (int i = 0; i < 1000; ++i) t.put(key_of(i), "innocent");
    const auto own = [&](int i) { return t.under_test.find(42, key_of(i), at(0)); };
    for (int i = 0; i < 200'000; ++i) {
        t.under_test.put(42, key_of(i), std::to_string(i), at(60), at(60));
        const auto found = own(i);
        ASSERT_TRUE(found && found->value == std::to_string(i)) << i;
    }
    int left = 0;
    for (int i = 0; i < 200'000; ++i) {
        const auto found = own(i);
        if (!found) continue;
        ++left;
        ASSERT_EQ(found->value, std::to_string(i));
    }
    EXPECT_GE(left, 12);
    EXPECT_LE(left, 24);
    for (int i = 0; i < 1000; ++i) t.put(key_of(i), "innocent");
    int innocents = 0;
    for (int i = 0; i < 1000; ++i) innocents += t.find(key_of(i)) == "innocent";
    EXPECT_EQ(innocents, 1000);
}

TEST(First_tier, a_million_distinct_keys_leave_it_within_its_bound)
{
    tier t(4 * mebibyte);
    for (int i = 0; i < 1'000'000; ++i) t.put(key_of(i), key_of(-i));
    for (int i = 999'990; i < 1'000'000; ++i) EXPECT_EQ(t.find(key_of(i)), key_of(-i));
    const first_tier_counters counted = t.counters();
    EXPECT_LE(counted.bytes, 4 * mebibyte);
    EXPECT_GT(counted.entries, 4 * mebibyte / 100);
    EXPECT_EQ(counted.insertions, counted.evictions + counted.entries);
}

// A value that is written again and again lies where it lay.
TEST(First_tier, writes_of_one_key_push_out_nothing)
{
    tier t(mebibyte);
    for (int i = 0; i < 5000; ++i) t.put(key_of(i), std::string(100, 'v'));
    for (int i = 0; i < 100'000; ++i) {
        t.erase(key_of(i % 100));
        t.put(key_of(i % 100), std::string(static_cast<std::size_t>(90 + i % 11), 'w'));
    }
    EXPECT_EQ(t.counters().evictions, 0U);
    EXPECT_EQ(t.counters().entries, 5000U);
}

} // namespace
} // namespace sluice::cache::testing

#include "cache/entry_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <utility>

namespace sluice::cache {
namespace {

TEST(Entry_queue, wraps_only_between_entries)
{
    entry_queue queue(100, 110);
    EXPECT_EQ(queue.append(4), 100U);
    EXPECT_EQ(queue.append(4), 104U);
    EXPECT_FALSE(queue.has_room(3));
    EXPECT_TRUE(queue.has_room(2));
    queue.pop_front(4);
    EXPECT_TRUE(queue.has_room(4));
    EXPECT_EQ(queue.append(4), 100U);
    EXPECT_EQ(queue.front(), 104U);
    queue.pop_front(4);
    EXPECT_EQ(queue.front(), 100U);
    EXPECT_EQ(queue.append(6), 104U);
    EXPECT_FALSE(queue.has_room(1));
    EXPECT_EQ(queue.reached(), 10U);
}

// What the main queue does with an entry that stays.
TEST(Entry_queue, has_room_for_an_entry_that_has_just_left)
{
    std::mt19937 random(3);
    for (int round = 0; round < 100; ++round) {
        entry_queue queue(0, 50 + random() % 50);
        std::deque<std::uint32_t> sizes;
        for (std::uint32_t size = 1; queue.has_room(size); size = 1 + random() % 20) {
            queue.append(size);
            sizes.push_back(size);
        }
        for (int i = 0; i < 200; ++i) {
            const std::uint32_t size = sizes.front();
            sizes.pop_front();
            queue.pop_front(size);
            ASSERT_TRUE(queue.has_room(size));
            queue.append(size);
            sizes.push_back(size);
        }
    }
}

TEST(Entry_queue, never_lays_one_entry_on_another)
{
    std::mt19937 random(5);
    entry_queue queue(7, 300);
    std::deque<std::pair<std::uint32_t, std::uint32_t>> there; // place, size
    for (int i = 0; i < 100'000; ++i) {
        const std::uint32_t size = 1 + random() % 60;
        while (!queue.has_room(size)) {
            ASSERT_FALSE(queue.empty());
            ASSERT_EQ(queue.front(), there.front().first);
            queue.pop_front(there.front().second);
            there.pop_front();
        }
        const std::uint32_t place = queue.append(size);
        ASSERT_GE(place, 7U);
        ASSERT_LE(place + size, 300U);
        for (const auto& [other, its_size] : there) ASSERT_TRUE(place + size <= other || other + its_size <= place);
        there.emplace_back(place, size);
    }
}

} // namespace
} // namespace sluice::cache

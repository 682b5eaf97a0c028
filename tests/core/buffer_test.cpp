#include <sluice/core/buffer.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice {

TEST(Buffer, owns_nothing_until_it_holds_something)
{
    buffer empty;
    EXPECT_EQ(empty.capacity(), 0U);
    EXPECT_TRUE(empty.view().empty());
    empty.append("");
    EXPECT_EQ(empty.capacity(), 0U);
}

TEST(Buffer, appends_at_the_end_and_consumes_at_the_front)
{
    buffer bytes;
    bytes.append("hello ");
    bytes.append("world");
    bytes.push_back('!');
    EXPECT_EQ(bytes.view(), "hello world!");
    bytes.consume(6);
    EXPECT_EQ(bytes.view(), "world!");
    bytes.truncate(5);
    EXPECT_EQ(bytes.view(), "world");
    bytes.consume(5);
    EXPECT_TRUE(bytes.empty());
}

TEST(Buffer, keeps_its_bytes_while_it_grows)
{
    buffer bytes;
    std::string expected;
    for (int i = 0; i < 200'000; ++i) {
        bytes.push_back(static_cast<char>('a' + i % 26));
        expected.push_back(static_cast<char>('a' + i % 26));
        if (i % 7 == 0) {
            bytes.consume(1);
            expected.erase(0, 1);
            if (expected.size() > 50'000) {
                bytes.consume(40'000);
                expected.erase(0, 40'000);
            }
        }
    }
    EXPECT_EQ(bytes.view(), expected);
}

TEST(Buffer, doubles_up_to_the_largest_size_that_the_pool_keeps)
{
    buffer bytes;
    bytes.append(std::string(49'152, 'x'));
    EXPECT_EQ(bytes.capacity(), 49'152U);
    bytes.push_back('x');
    EXPECT_EQ(bytes.capacity(), pool_block_max);

    buffer small;
    std::size_t grown = 0;
    for (std::size_t capacity = 0; small.size() < pool_block_max; small.push_back('x')) {
        if (small.capacity() != capacity) ++grown;
        capacity = small.capacity();
    }
    EXPECT_EQ(grown, 11U);
    EXPECT_EQ(small.capacity(), pool_block_max);
}

TEST(Buffer, uses_consumed_room_again_instead_of_growing)
{
    buffer bytes;
    bytes.append(std::string(1000, 'x'));
    const std::size_t capacity = bytes.capacity();
    for (int i = 0; i < 1000; ++i) {
        bytes.consume(bytes.size() - 10);
        bytes.append(std::string(900, 'y'));
        ASSERT_EQ(bytes.capacity(), capacity);
    }
    EXPECT_EQ(bytes.size(), 910U);
}

TEST(Buffer, reserve_gives_room_that_commit_makes_part_of_it)
{
    buffer bytes;
    bytes.append("ab");
    char* room = bytes.reserve(1000);
    room[0] = 'c';
    room[1] = 'd';
    bytes.commit(2);
    EXPECT_EQ(bytes.view(), "abcd");
    EXPECT_GE(bytes.capacity(), 1002U);
}

TEST(Buffer, moves_without_copying)
{
    buffer first;
    first.append("moved");
    const char* where = first.data();
    buffer second(std::move(first));
    EXPECT_EQ(second.data(), where);
    EXPECT_EQ(first.capacity(), 0U);
    buffer third;
    third.append("replaced");
    third = std::move(second);
    EXPECT_EQ(third.view(), "moved");
    EXPECT_EQ(second.capacity(), 0U);
}

TEST(Buffer, reset_gives_its_memory_back)
{
    buffer bytes;
    bytes.append("something");
    bytes.clear();
    EXPECT_NE(bytes.capacity(), 0U);
    bytes.reset();
    EXPECT_EQ(bytes.capacity(), 0U);
    bytes.append("again");
    EXPECT_EQ(bytes.view(), "again");
}

} // namespace sluice

#include <sluice/core/mpmc_queue.hpp>
#include <sluice/core/spsc_queue.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace sluice {

// What both queues promise to one thread.
template <class Q> class Queue : public testing::Test
{};
using queues = testing::Types<spsc_queue<std::unique_ptr<int>>, mpmc_queue<std::unique_ptr<int>>>;
TYPED_TEST_SUITE(Queue, queues);

TYPED_TEST(Queue, gives_what_was_pushed_in_that_order)
{
    TypeParam queue(4);
    std::unique_ptr<int> out;
    EXPECT_FALSE(queue.try_pop(out));
    int next_in = 0;
    for (int next_out = 0; next_out < 1000;) {
        for (int i = 0; i <= next_out % 4 && next_in < 1000; ++i) {
            auto value = std::make_unique<int>(next_in);
            if (!queue.try_push(std::move(value))) break;
            ++next_in;
        }
        ASSERT_TRUE(queue.try_pop(out));
        ASSERT_EQ(*out, next_out++);
    }
    EXPECT_FALSE(queue.try_pop(out));
}

TYPED_TEST(Queue, refuses_at_its_bound_and_leaves_the_value_alone)
{
    TypeParam queue(5);
    EXPECT_EQ(queue.capacity(), 8U);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(queue.try_push(std::make_unique<int>(i)));
    auto ninth = std::make_unique<int>(9);
    EXPECT_FALSE(queue.try_push(std::move(ninth)));
    ASSERT_NE(ninth, nullptr);
    std::unique_ptr<int> out;
    EXPECT_TRUE(queue.try_pop(out));
    EXPECT_TRUE(queue.try_push(std::move(ninth)));
}

TYPED_TEST(Queue, owns_what_is_left_in_it)
{
    TypeParam queue(2);
    EXPECT_TRUE(queue.try_push(std::make_unique<int>(1)));
}

} // namespace sluice

#include <sluice/core/intrusive_list.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace sluice {

namespace {

struct by_age;
struct item : list_node<by_age>
{
    explicit item(int v) : value(v) {}
    int value;
};
using list = intrusive_list<item, by_age>;

std::vector<int> drain(list& from)
{
    std::vector<int> values;
    while (!from.empty()) values.push_back(from.pop_front().value);
    return values;
}

} // namespace

TEST(IntrusiveList, keeps_order_and_lets_go_from_anywhere)
{
    item one(1), two(2), three(3), four(4);
    list all;
    for (item* each : {&one, &two, &three, &four}) all.push_back(*each);
    three.unlink();
    three.unlink();
    EXPECT_FALSE(three.linked());
    EXPECT_EQ(drain(all), (std::vector{1, 2, 4}));
}

TEST(IntrusiveList, splices_a_whole_list_at_its_end)
{
    item one(1), two(2), three(3);
    list first, second;
    first.splice_back(second);
    EXPECT_TRUE(first.empty());
    first.push_back(one);
    second.push_back(two);
    second.push_back(three);
    first.splice_back(second);
    EXPECT_TRUE(second.empty());
    EXPECT_EQ(drain(first), (std::vector{1, 2, 3}));
}

TEST(IntrusiveList, for_each_may_remove_what_it_is_given)
{
    item one(1), two(2), three(3);
    list all;
    for (item* each : {&one, &two, &three}) all.push_back(*each);
    all.for_each([](item& each) {
        if (each.value != 2) each.unlink();
    });
    EXPECT_EQ(drain(all), (std::vector{2}));
}

TEST(IntrusiveList, an_element_must_leave_before_it_dies)
{
    EXPECT_DEATH(
        {
            list all;
            item one(1);
            all.push_back(one);
        },
        "assertion failed");
    EXPECT_DEATH(
        {
            list all;
            item one(1);
            all.push_back(one);
            all.push_back(one);
        },
        "assertion failed");
}

} // namespace sluice

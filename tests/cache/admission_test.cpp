#include "cache/admission.hpp"
#include "cache/ghosts.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sluice::cache {
namespace {

constexpr std::uint64_t entries = 1000;

// So many leave the small queue unused; of each hundred that are dropped or watched, so many
// come back soon. How many went on?
int admitted(admission& under_test, int leaving, int back_in_a_hundred)
{
    int went_on = 0;
    for (int i = 0, dropped = 0; i < leaving; ++i) {
        const admission::fate its = under_test.of_next(entries);
        if (its != admission::fate::dropped) ++went_on;
        if (its != admission::fate::goes_on && dropped++ * 37 % 100 < back_in_a_hundred)
            under_test.came_back_soon(entries);
    }
    return went_on;
}

TEST(Admission, is_refused_while_few_come_back)
{
    admission under_test;
    EXPECT_EQ(admitted(under_test, 10'000, 20), 0);
    EXPECT_FALSE(under_test.admits());
}

TEST(Admission, is_granted_when_many_come_back_and_taken_back_when_they_cease_to)
{
    admission under_test;
    EXPECT_GT(admitted(under_test, 10'000, 60), 8000);
    EXPECT_TRUE(under_test.admits());
    // Within a few times as many as the tier has.
    admitted(under_test, 10'000, 0);
    EXPECT_FALSE(under_test.admits());
    EXPECT_EQ(admitted(under_test, 10'000, 0), 0);
}

void put(admission& under_test, int times, ghosts::age dropped)
{
    for (int i = 0; i < times; ++i) under_test.is_put(dropped);
}

TEST(Admission, is_granted_at_once_where_one_after_the_other_comes_back)
{
    admission under_test;
    EXPECT_EQ(admitted(under_test, 500, 0), 0);
    put(under_test, 16, ghosts::age::young);
    EXPECT_TRUE(under_test.admits());
    EXPECT_GT(admitted(under_test, 1000, 60), 800);
}

TEST(Admission, is_not_granted_at_once_where_not_all_come_back_or_too_late)
{
    admission under_test;
    for (int i = 0; i < 100; ++i) {
        put(under_test, 15, ghosts::age::young);
        put(under_test, 1, ghosts::age::forgotten);
    }
    put(under_test, 1, ghosts::age::old);
    put(under_test, 100, ghosts::age::young);
    EXPECT_FALSE(under_test.admits());
}

// Whoever is admitted is there when it comes again, so only by those that are watched can it be seen that they do.
TEST(Admission, watches_some_of_those_that_go_on)
{
    admission under_test;
    put(under_test, 16, ghosts::age::young);
    int watched = 0;
    for (int i = 0; i < 100; ++i) watched += under_test.of_next(entries) == admission::fate::goes_on_watched;
    EXPECT_EQ(watched, 12);
}

struct Ghosts : ::testing::Test
{
    static constexpr std::uint32_t lines = 64, span = 25'600;
    std::vector<std::uint64_t> memory = std::vector<std::uint64_t>(lines * ghosts::line_bytes / sizeof(std::uint64_t));
    ghosts under_test{memory.data(), lines, span};
    static std::uint64_t hash_of(std::uint64_t number) { return number * 0x9e37'79b9'7f4a'7c15U; }
};

TEST_F(Ghosts, are_young_then_old_then_forgotten)
{
    for (const auto& [passed, expected] :
         {std::pair{span / 4, ghosts::age::young}, std::pair{span / 2, ghosts::age::old},
          std::pair{span * 11 / 10, ghosts::age::forgotten}}) {
        under_test.add(hash_of(1), 10);
        under_test.pass(passed);
        EXPECT_EQ(under_test.take(hash_of(1)), expected) << passed;
        EXPECT_EQ(under_test.take(hash_of(1)), ghosts::age::forgotten) << "taken twice";
    }
}

TEST_F(Ghosts, of_the_latest_are_kept_when_there_are_too_many)
{
    for (std::uint64_t i = 0; i < 10'000; ++i) under_test.add(hash_of(i), 1);
    int remembered = 0;
    for (std::uint64_t i = 9500; i < 10'000; ++i) remembered += under_test.take(hash_of(i)) != ghosts::age::forgotten;
    EXPECT_GT(remembered, 450);
    remembered = 0;
    for (std::uint64_t i = 0; i < 5000; ++i) remembered += under_test.take(hash_of(i)) != ghosts::age::forgotten;
    EXPECT_LT(remembered, 50);
}

} // namespace
} // namespace sluice::cache

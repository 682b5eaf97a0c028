// The rules of coherence, under every order in which a few shards can hear of things, and under millions of random ones
// of more shards, keys and faults.
#include "cache/pending_keys.hpp"
#include "simulated_process.hpp"

#include <cstdlib>
#include <string>

namespace sluice::cache::test {
namespace {

// Gives how many ways there were.
std::size_t in_every_way(const world_options& options)
{
    every_way ways;
    std::size_t count = 0;
    simulated_process::tiers kept;
    do {
        simulated_process world(options, ways, kept);
        world.run();
        ++count;
    } while (!testing::Test::HasFatalFailure() && ways.next());
    return count;
}

struct outcome
{
    std::size_t hits = 0;
    std::size_t second_tier_hits = 0;
};

// One seed of so many is tried, where each step costs more: in a build with sanitizers.
std::uint64_t one_of()
{
    const char* said = std::getenv("SLUICE_TEST_ONE_SEED_OF");
    return said == nullptr ? 1 : std::stoull(said);
}

outcome by_many_chances(const world_options& options, std::uint64_t seeds)
{
    seeds /= one_of();
    outcome seen;
    simulated_process::tiers kept;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        by_chance chance(seed);
        simulated_process world(options, chance, kept);
        world.run();
        seen.hits += world.hits();
        seen.second_tier_hits += world.second_tier_hits();
        if (testing::Test::HasFatalFailure()) {
            ADD_FAILURE() << "with the seed " << seed;
            break;
        }
    }
    return seen;
}

TEST(Coherence, holds_for_two_shards_in_every_order)
{
    EXPECT_GT(in_every_way({.shards = 2, .reads = 2, .writes = 1, .calm = 1}), 10'000U);
}

TEST(Coherence, holds_beside_a_second_tier_in_every_order)
{
    EXPECT_GT(in_every_way({.shards = 1, .redis = true, .reads = 2, .writes = 1, .calm = 1}), 1000U);
    EXPECT_GT(in_every_way({.shards = 1, .redis = true, .reads = 1, .writes = 1, .faults = 1, .calm = 1}), 1000U);
}

TEST(Coherence, holds_by_chance_for_several_shards_and_keys)
{
    const outcome seen = by_many_chances({.shards = 4, .keys = 3, .reads = 20, .writes = 6, .ticks = 2}, 10'000);
    EXPECT_GT(seen.hits, 1000 / one_of());
}

TEST(Coherence, holds_by_chance_while_redis_fails_in_every_manner)
{
    const outcome seen = by_many_chances(
        {.shards = 3, .keys = 2, .redis = true, .reads = 40, .writes = 5, .faults = 5, .ticks = 2}, 20'000);
    EXPECT_GT(seen.second_tier_hits, 1000 / one_of());
}

TEST(Coherence, holds_by_chance_where_some_have_less_time_for_redis_than_others)
{
    const outcome seen = by_many_chances(
        {.shards = 3, .keys = 2, .redis = true, .reads = 40, .writes = 5, .faults = 5, .ticks = 2, .hurried = true},
        20'000);
    EXPECT_GT(seen.second_tier_hits, 100 / one_of());
}

TEST(Coherence, holds_by_chance_beside_another_process)
{
    const outcome seen = by_many_chances({.shards = 2,
                                          .keys = 1,
                                          .redis = true,
                                          .second_process = true,
                                          .reads = 12,
                                          .writes = 9,
                                          .faults = 3,
                                          .ticks = 3},
                                         20'000);
    EXPECT_GT(seen.second_tier_hits, 1000 / one_of());
}

// A server that was left, and is there again, holds what was written on the other one meanwhile.
TEST(Coherence, holds_by_chance_while_redis_is_another_and_the_first_again)
{
    world_options options{.shards = 2,
                          .keys = 2,
                          .redis = true,
                          .second_process = true,
                          .reads = 24,
                          .writes = 8,
                          .faults = 8,
                          .ticks = 2,
                          .moves = true};
    EXPECT_GT(by_many_chances(options, 20'000).second_tier_hits, 1000 / one_of());
    // Where more was written meanwhile than is remembered.
    options.shards = 1;
    options.keys = 3;
    options.second_process = false;
    options.faults = 4;
    options.pending_max = 1;
    by_many_chances(options, 20'000);
}

TEST(PendingKeys, are_in_doubt_on_another_run_though_they_are_confirmed_and_forgotten)
{
    using namespace std::chrono_literals;
    pending_keys keys(1, 60s);
    const time_point start{};
    keys.settle("forgotten", keys.add("forgotten", start), true, start);
    keys.settle("known", keys.add("known", start + 10s), true, start + 10s);
    EXPECT_TRUE(keys.readable("forgotten", start + 20s) && keys.readable("known", start + 20s));
    keys.doubt_all(start + 20s);
    EXPECT_FALSE(keys.readable("forgotten", start + 59s));
    EXPECT_TRUE(keys.readable("forgotten", start + 60s)) << "no value from before its write is left";
    EXPECT_FALSE(keys.readable("known", start + 60s)) << "until its deletion is confirmed";
    ASSERT_TRUE(keys.any_lost());
    keys.send_again(1, [&](std::string_view key, std::uint64_t generation) {
        EXPECT_EQ(key, "known");
        EXPECT_EQ(generation, 3U);
    });
    keys.settle("known", 3, true, start + 60s);
    EXPECT_TRUE(keys.readable("known", start + 60s));
    // And what was written long ago is of no concern to a third.
    keys.doubt_all(start + 70s);
    EXPECT_FALSE(keys.any_lost());
}

TEST(Coherence, holds_when_more_keys_are_pending_than_are_kept)
{
    by_many_chances({.shards = 2,
                     .keys = 4,
                     .redis = true,
                     .second_process = true,
                     .reads = 16,
                     .writes = 10,
                     .faults = 8,
                     .ticks = 3,
                     .pending_max = 1},
                    20'000);
}

TEST(Coherence, lets_no_expired_value_outlive_its_grace_or_an_invalidation)
{
    by_many_chances({.shards = 3, .keys = 2, .reads = 20, .writes = 5, .ticks = 8, .stale = simulated_process::ttl / 4},
                    20'000);
}

} // namespace
} // namespace sluice::cache::test

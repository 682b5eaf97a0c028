// How long what was loaded is kept: never longer than the settings say, at most a twentieth less, and not all of it
// equally long, so that what was loaded together is not loaded again together.
#include "cache/part_state.hpp"
#include "run.hpp"

#include <sluice/core/hash.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <string>
#include <string_view>

namespace sluice::cache::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t keys = 400;

struct kept_for : waiter
{
    explicit kept_for(wait& w) : waiter(&ended_here), done(w) {}
    static void ended_here(waiter& self, const answer&) { static_cast<kept_for&>(self).done.complete(); }
    wait& done;
};

std::string key_of(std::size_t i) { return "key" + std::to_string(i); }

// How many are still there at that time, by the tier's clock, which only goes on.
std::size_t there_at(part_state& part, time_point when)
{
    std::size_t found = 0;
    for (std::size_t i = 0; i < keys; ++i) found += part.rules.look(hash_bytes(key_of(i)), key_of(i), when) ? 1U : 0U;
    return found;
}

task<bool> is_spread(shared_parts& all, bool absent, duration life)
{
    shard& here = shard::current();
    auto& part = here.own<part_state>(here, all, nullptr, nullptr);
    part.kinds.push_back({.load = [absent](std::string_view) -> task<result<loaded>> {
                              co_return loaded{.value = pooled_string(absent ? "" : "value"), .absent = absent};
                          },
                          .is_value = {}});
    const time_point before = here.now();
    for (std::size_t i = 0; i < keys; ++i) {
        wait loading;
        kept_for one(loading);
        const std::string key = key_of(i);
        EXPECT_TRUE(part.rules.join(one, 0, hash_bytes(key), key, here.now()));
        (void)co_await loading.until();
    }
    const time_point after = here.now();
    EXPECT_EQ(there_at(part, before + life - life / 20 - 1ns), keys);
    // Half of them by chance, and hardly ever so few or so many as this.
    const std::size_t halfway = there_at(part, before + life - life / 40);
    EXPECT_GT(halfway, keys / 4);
    EXPECT_LT(halfway, keys / 4 * 3);
    EXPECT_EQ(there_at(part, after + life), 0U);
    co_return true;
}

TEST(CachedLife, of_a_value_lies_within_a_twentieth_of_the_time_to_live_and_is_another_for_each)
{
    shared_parts all(1, {.first_tier_bytes = 4 << 20, .ttl = 24h, .negative_ttl = 1h});
    sluice::test::shard_runner shards;
    EXPECT_TRUE(shards.run([&all] { return is_spread(all, false, 24h); }));
}

TEST(CachedLife, of_an_absence_does_so_with_its_own)
{
    shared_parts all(1, {.first_tier_bytes = 4 << 20, .ttl = 24h, .negative_ttl = 1h});
    sluice::test::shard_runner shards;
    EXPECT_TRUE(shards.run([&all] { return is_spread(all, true, 1h); }));
}

} // namespace
} // namespace sluice::cache::test

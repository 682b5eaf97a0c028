// A first tier beside a map: what it gives is what was put last, or nothing; and nothing only where it may.
#include "tier.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <unordered_map>

namespace sluice::cache::testing {
namespace {

struct expected
{
    std::string value;
    int fresh_until = 0;
    int stale_until = 0;
    entry_flags flags{};
};

// The keys and sizes of a run. `hash_bits`: how much of the hash is left, so that keys collide.
struct shape
{
    std::size_t bytes;
    int keys;
    std::size_t value_max;
    int operations;
    unsigned hash_bits = 64;
};

class pair_of_tier_and_map
{
public:
    pair_of_tier_and_map(const shape& chosen, std::uint64_t seed)
        : shape_(chosen), random_(seed), tier_({.bytes = chosen.bytes, .entry_bytes_max = chosen.bytes})
    {}

    void run()
    {
        for (int i = 0; i < shape_.operations && !::testing::Test::HasFatalFailure(); ++i) step();
        const first_tier_counters counted = tier_.counters();
        EXPECT_LE(counted.bytes, shape_.bytes);
        EXPECT_EQ(counted.hits + counted.stale_hits + counted.misses, finds_);
        EXPECT_EQ(counted.insertions, counted.entries + counted.evictions + counted.expirations + counted.erasures);
    }

private:
    int below(int bound) { return std::uniform_int_distribution(0, bound - 1)(random_); }

    void step()
    {
        // Some keys are asked for much more than others.
        const int number = below(3) == 0 ? below(shape_.keys) : below(1 + shape_.keys / 20);
        std::string key(static_cast<std::size_t>(number % 40), 'k');
        key += std::to_string(number);
        const std::uint64_t hash = hash_bytes(key) & (~std::uint64_t{0} >> (64 - shape_.hash_bits));
        now_ += below(1000) == 0;
        const int what = below(100);
        if (what < 60)
            look(hash, key);
        else if (what < 90)
            put(hash, key);
        else if (what < 99 || below(2000) != 0)
            erase(hash, key);
        else
            clear();
    }
    void look(std::uint64_t hash, const std::string& key)
    {
        ++finds_;
        const auto found = tier_.find(hash, key, at(now_));
        if (!found) return;
        const auto known = map_.find(key);
        ASSERT_TRUE(known != map_.end()) << key;
        ASSERT_EQ(found->value, known->second.value) << key;
        ASSERT_EQ(found->fresh_until, at(known->second.fresh_until));
        ASSERT_EQ(found->stale_until, at(known->second.stale_until));
        ASSERT_EQ(found->flags, known->second.flags);
        ASSERT_LT(now_, known->second.stale_until);
    }
    void put(std::uint64_t hash, const std::string& key)
    {
        const int range = below(4) == 0 ? static_cast<int>(shape_.value_max) : static_cast<int>(shape_.value_max) / 50;
        const auto size = static_cast<std::size_t>(below(range + 1));
        const expected added{.value = std::string(size, static_cast<char>('a' + below(26))),
                             .fresh_until = now_ + below(50),
                             .stale_until = now_ + 50 + below(50),
                             .flags = below(10) == 0 ? entry_flags::absent : entry_flags::none};
        const std::uint64_t refused = tier_.counters().refused;
        tier_.put(hash, key, added.value, at(added.fresh_until), at(added.stale_until), added.flags);
        if (tier_.counters().refused != refused) {
            map_.erase(key);
            return;
        }
        map_[key] = added;
        // What was just put is there.
        look(hash, key);
        ASSERT_TRUE(tier_.find(hash, key, at(now_)));
        ++finds_;
    }
    void erase(std::uint64_t hash, const std::string& key)
    {
        tier_.erase(hash, key);
        map_.erase(key);
    }
    void clear()
    {
        tier_.clear();
        map_.clear();
        ASSERT_EQ(tier_.counters().entries, 0U);
    }

    shape shape_;
    std::mt19937_64 random_;
    first_tier tier_;
    std::unordered_map<std::string, expected> map_;
    int now_ = 0;
    std::uint64_t finds_ = 0;
};

TEST(First_tier_beside_a_map, with_small_values)
{
    pair_of_tier_and_map({.bytes = 1 << 20, .keys = 50'000, .value_max = 300, .operations = 2'000'000}, 1).run();
}
TEST(First_tier_beside_a_map, with_everything_in_it)
{
    pair_of_tier_and_map({.bytes = 4 << 20, .keys = 3000, .value_max = 300, .operations = 500'000}, 2).run();
}
TEST(First_tier_beside_a_map, with_values_of_all_sizes)
{
    pair_of_tier_and_map({.bytes = 1 << 20, .keys = 5000, .value_max = 140'000, .operations = 300'000}, 3).run();
}
TEST(First_tier_beside_a_map, with_few_bits_of_hash)
{
    pair_of_tier_and_map({.bytes = 1 << 20, .keys = 2000, .value_max = 300, .operations = 500'000, .hash_bits = 9}, 4)
        .run();
}
TEST(First_tier_beside_a_map, at_many_sizes)
{
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const shape chosen{.bytes = first_tier_bytes_min + seed * 997,
                           .keys = 10 + static_cast<int>(seed * seed),
                           .value_max = 50 + seed * 100,
                           .operations = 5000};
        pair_of_tier_and_map(chosen, seed).run();
    }
}

} // namespace
} // namespace sluice::cache::testing

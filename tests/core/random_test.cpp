#include <sluice/core/hash.hpp>
#include <sluice/core/random.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <string>
#include <thread>

namespace sluice {

TEST(Random, threads_draw_different_numbers)
{
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 8; ++i)
        std::thread([&seen] {
            for (int draw = 0; draw < 100; ++draw) seen.insert(random_bits());
        }).join();
    EXPECT_EQ(seen.size(), 800U);
}

TEST(Random, every_bit_is_set_half_of_the_time)
{
    int set[64] = {};
    constexpr int draws = 10'000;
    for (int i = 0; i < draws; ++i) {
        const std::uint64_t bits = random_bits();
        for (unsigned bit = 0; bit < 64; ++bit) set[bit] += static_cast<int>(bits >> bit & 1);
    }
    // Ten standard deviations: one failure in 10^21 runs.
    for (int count : set) EXPECT_NEAR(count, draws / 2, 500);
}

TEST(Hash, equal_bytes_hash_alike_on_every_thread)
{
    const std::uint64_t here = hash_bytes("users/1");
    std::uint64_t there = 0;
    std::thread([&there] { there = hash_bytes(std::string("users/") + "1"); }).join();
    EXPECT_EQ(here, there);
    EXPECT_NE(here, hash_bytes("users/2"));
    EXPECT_NE(hash_bytes(""), hash_bytes(std::string_view("\0", 1)));
}

TEST(Hash, one_changed_bit_changes_half_of_the_hash)
{
    int changed = 0;
    std::string key(64, 'k');
    const std::uint64_t before = hash_bytes(key);
    for (std::size_t at = 0; at < key.size(); ++at) {
        key[at] ^= 1;
        changed += std::popcount(before ^ hash_bytes(key));
        key[at] ^= 1;
    }
    EXPECT_NEAR(changed / 64.0, 32.0, 6.0);
}

} // namespace sluice

#include "cache/entry_index.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

namespace sluice::cache {
namespace {

struct Index : ::testing::Test
{
    struct free_memory
    {
        void operator()(void* block) const { std::free(block); }
    };
    static void* zeroed(std::size_t bytes)
    {
        void* block = std::aligned_alloc(entry_index::line_bytes, bytes);
        std::memset(block, 0, bytes);
        return block;
    }

    static constexpr std::uint32_t lines = 100;
    std::unique_ptr<void, free_memory> memory{zeroed(lines * entry_index::line_bytes)};
    entry_index index{memory.get(), lines};
    std::vector<std::uint64_t> hashes; // by place

    std::uint32_t add(std::uint64_t hash)
    {
        const auto place = static_cast<std::uint32_t>(hashes.size());
        hashes.push_back(hash);
        pushed_out = index.insert(
            hash, place, [](std::uint32_t) { return false; }, [this](std::uint32_t other) { return hashes[other]; });
        return place;
    }
    std::optional<std::uint32_t> pushed_out;
};

TEST_F(Index, finds_what_was_added_and_nothing_after_it_was_erased)
{
    const std::uint32_t place = add(12345);
    const auto found = index.find_place(12345, place);
    ASSERT_TRUE(found);
    EXPECT_EQ(found.place(), place);
    index.move(found, 777);
    EXPECT_TRUE(index.find_place(12345, 777));
    EXPECT_FALSE(index.find_place(12345, place));
    index.erase(index.find_place(12345, 777), 12345);
    EXPECT_FALSE(index.find_place(12345, 777));
}

TEST_F(Index, holds_two_lines_of_one_hash_and_then_pushes_out_one_for_each)
{
    for (unsigned i = 0; i < 2 * entry_index::line_places; ++i) {
        add(42);
        ASSERT_FALSE(pushed_out);
    }
    for (unsigned i = 0; i < 100; ++i) {
        const std::uint32_t place = add(42);
        ASSERT_TRUE(pushed_out);
        EXPECT_FALSE(index.find_place(42, *pushed_out));
        EXPECT_TRUE(index.find_place(42, place));
    }
}

TEST_F(Index, stays_true_through_many_changes)
{
    std::mt19937_64 random(7);
    std::unordered_map<std::uint32_t, std::uint64_t> there;
    for (int i = 0; i < 100'000; ++i) {
        if (random() % 20'000 == 0) {
            index.clear();
            there.clear();
        }
        if (there.size() > 900 || (!there.empty() && random() % 3 == 0)) {
            const auto [place, hash] = *there.begin();
            const auto found = index.find_place(hash, place);
            ASSERT_TRUE(found);
            index.erase(found, hash);
            there.erase(place);
        } else {
            const std::uint64_t hash = random();
            there[add(hash)] = hash;
            if (pushed_out) there.erase(*pushed_out);
        }
    }
    for (std::uint32_t place = 0; place < hashes.size(); ++place)
        ASSERT_EQ(static_cast<bool>(index.find_place(hashes[place], place)), there.contains(place));
}

// Nearly full, hardly anything has to go.
TEST_F(Index, fills_to_nine_tenths_with_few_pushed_out)
{
    std::mt19937_64 random(8);
    int out = 0;
    for (unsigned i = 0; i < lines * entry_index::line_places * 9 / 10; ++i) {
        add(random());
        out += pushed_out.has_value();
    }
    EXPECT_LE(out, 30);
}

} // namespace
} // namespace sluice::cache

// A first tier takes nothing from the heap once it is made: not for hits, misses or writes, nor to make room.
#include "heap_count.hpp"
#include "tier.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <string>

namespace sluice::cache::testing {
namespace {

TEST(First_tier_allocation, there_is_none)
{
    tier t(std::size_t{1} << 20);
    const std::string value(500, 'v');
    std::uint64_t found = 0;
    const std::uint64_t before = sluice::test::heap_blocks_of_thread();
    for (std::uint32_t i = 0; i < 300'000; ++i) {
        // Some keys come again and again, most never.
        const std::uint32_t number = i % 3 == 0 ? i % 501 : i;
        char text[16];
        const auto end = std::to_chars(text, text + sizeof(text), number).ptr;
        const std::string_view key(text, static_cast<std::size_t>(end - text));
        if (t.look(key))
            ++found;
        else
            t.put(key, std::string_view(value).substr(0, i % 500));
        if (i % 7 == 0) t.erase(key);
        if (i % 50'000 == 0) t.under_test.clear();
    }
    EXPECT_EQ(sluice::test::heap_blocks_of_thread(), before);
    EXPECT_GT(found, 10'000U);
    EXPECT_GT(t.counters().evictions, 10'000U);
}

} // namespace
} // namespace sluice::cache::testing

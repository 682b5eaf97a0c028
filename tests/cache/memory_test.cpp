// Memory is what the setting says: the process grows by that much, and by what the tier counts.
//
// A program of its own, since it looks at the memory of the whole process.
#include "tier.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace sluice::cache::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

std::size_t resident_bytes()
{
    std::size_t program = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> program >> resident;
    return resident * 4096;
}

void fill(tier& t, int entries, std::size_t value_bytes)
{
    const std::string value(value_bytes, 'v');
    std::string key;
    for (int i = 0; i < entries; ++i) {
        key = "key:" + std::to_string(i);
        t.put(key, value);
    }
}

// Values of each size fill the tier several times over.
TEST(First_tier_memory, grows_to_the_bound_and_not_beyond)
{
    if (sanitized) GTEST_SKIP() << "a sanitizer has memory of its own";
    constexpr std::size_t bytes = std::size_t{32} << 20, other = std::size_t{512} << 10;
    for (const std::size_t value_bytes : {0U, 20U, 100U, 1000U, 10'000U, 100'000U, 1'000'000U}) {
        const std::size_t before = resident_bytes();
        tier t(bytes);
        fill(t, static_cast<int>(3 * bytes / (value_bytes + 40)), value_bytes);
        const std::size_t grown = resident_bytes() - before;
        EXPECT_LE(grown, bytes + other) << value_bytes;
        EXPECT_GE(grown, bytes * 9 / 10) << value_bytes;
        EXPECT_LE(t.counters().bytes, bytes) << value_bytes;
        EXPECT_LE(grown, t.counters().bytes + other) << value_bytes;
    }
}

TEST(First_tier_memory, comes_as_it_is_needed_and_goes_with_the_tier)
{
    if (sanitized) GTEST_SKIP() << "a sanitizer has memory of its own";
    constexpr std::size_t bytes = std::size_t{256} << 20, other = std::size_t{1} << 20;
    const std::size_t before = resident_bytes();
    {
        tier t(bytes);
        EXPECT_LE(resident_bytes(), before + other);
        fill(t, 10'000, 1000);
        // The index, of which every page is soon touched, and the entries.
        EXPECT_LE(resident_bytes() - before, t.counters().bytes + other);
        EXPECT_LE(t.counters().bytes, bytes / 8 + 10'000 * 1100);
    }
    EXPECT_LE(resident_bytes(), before + other);
}

} // namespace
} // namespace sluice::cache::testing

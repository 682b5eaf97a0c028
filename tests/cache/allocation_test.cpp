// A first tier takes nothing from the heap once it is made: not for hits, misses or writes, nor to make room.
//
// A program of its own, since it counts every malloc (operator new ends there, too).
#include "tier.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <string>

namespace {

[[maybe_unused]] bool counted = false;
[[maybe_unused]] std::uint64_t allocations = 0;

} // namespace

#ifdef __GLIBC__
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define COUNTS_ALLOCATIONS
#endif
#else
#define COUNTS_ALLOCATIONS
#endif
#endif
#endif

#ifdef COUNTS_ALLOCATIONS
extern "C" {
void* __libc_malloc(std::size_t bytes);                    // NOLINT
void* __libc_calloc(std::size_t count, std::size_t bytes); // NOLINT
void* __libc_realloc(void* block, std::size_t bytes);      // NOLINT
void* malloc(std::size_t bytes) noexcept
{
    if (counted) ++allocations;
    return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept
{
    if (counted) ++allocations;
    return __libc_calloc(count, bytes);
}
void* realloc(void* block, std::size_t bytes) noexcept
{
    if (counted) ++allocations;
    return __libc_realloc(block, bytes);
}
}
#endif

namespace sluice::cache::testing {
namespace {

TEST(First_tier_allocation, there_is_none)
{
#ifdef COUNTS_ALLOCATIONS
    tier t(std::size_t{1} << 20);
    const std::string value(500, 'v');
    std::uint64_t found = 0;
    counted = true;
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
    counted = false;
    EXPECT_EQ(allocations, 0U);
    EXPECT_GT(found, 10'000U);
    EXPECT_GT(t.counters().evictions, 10'000U);
#else
    GTEST_SKIP() << "the sanitizer has the heap for itself";
#endif
}

} // namespace
} // namespace sluice::cache::testing

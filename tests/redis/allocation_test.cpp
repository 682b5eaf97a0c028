// Commands, replies and scripts of a client in steady state take nothing from the heap. Run by server.py.
//
// A program of its own, since it counts every malloc of the shard's thread: hiredis's, too.
#include "redis.hpp"

#include <sluice/core/pool.hpp>

#include <cstdlib>

namespace {

thread_local bool counted = false;
thread_local std::uint64_t allocations = 0;

} // namespace

// Sanitizers have their own, and sluice::pool_recycles is false under the one that would be run here.
#if defined(__GLIBC__) && defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define COUNTS_ALLOCATIONS
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
#endif

namespace sluice::redis {
namespace {

constexpr script own_word{"return {ARGV[1], redis.call('GET', KEYS[1])}"};
constexpr std::array<std::string_view, 1> keys = {"key"};

class Allocation : public test::Redis
{};

// One of each kind.
task<void> work(client& redis, std::string_view value, std::size_t& left, wait& all_done)
{
    EXPECT_TRUE(co_await redis.set("key", value));
    const auto found = co_await redis.get("key");
    EXPECT_TRUE(found && *found && std::string_view(**found) == value);
    const auto none = co_await redis.get("nothing");
    EXPECT_TRUE(none && !*none);
    EXPECT_TRUE(co_await redis.incr("n"));
    const auto list = co_await redis.command("MGET", "key", "nothing", "n");
    EXPECT_TRUE(list && list->elements.size() == 3);
    const auto ran = co_await redis.eval(own_word, keys, value, 17);
    EXPECT_TRUE(ran && ran->elements.size() == 2);
    if (--left == 0) all_done.complete();
}

task<std::uint64_t> allocations_of(client& redis, std::size_t rounds, std::size_t at_once, std::string_view value)
{
    counted = true;
    const std::uint64_t before = allocations;
    for (std::size_t i = 0; i < rounds; ++i) {
        std::size_t left = at_once;
        wait all_done;
        for (std::size_t one = 0; one < at_once; ++one)
            shard::current().background().spawn(work(redis, value, left, all_done));
        (void)co_await all_done.until();
    }
    counted = false;
    co_return allocations - before;
}

TEST_F(Allocation, is_none_for_commands_replies_and_scripts_however_many_at_once)
{
#ifndef COUNTS_ALLOCATIONS
    GTEST_SKIP() << "nothing is counted here";
#endif
    client& redis = open();
    await_connected(redis);
    const std::string large(1000, 'x');
    for (const std::string_view value : {std::string_view("short"), std::string_view(large)}) {
        for (const std::size_t at_once : {std::size_t{1}, std::size_t{64}}) {
            // Buffers and lists grow to what was needed at most, which no first round need have met.
            std::uint64_t taken = 1;
            for (int i = 0; i < 50 && taken > 0; ++i)
                taken = shards.run([&] { return allocations_of(redis, 100, at_once, value); });
            EXPECT_EQ(taken, 0u) << value.size() << " bytes, " << at_once << " at once";
        }
    }
}

} // namespace
} // namespace sluice::redis

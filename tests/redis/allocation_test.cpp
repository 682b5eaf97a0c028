// Commands, replies and scripts of a client in steady state take nothing from the heap. Run by server.py.
//
// Counted is every malloc of the shard's thread: hiredis's, too.
#include "heap_count.hpp"
#include "redis.hpp"

#include <sluice/core/pool.hpp>
#include <sluice/telemetry/metrics.hpp>

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
    const std::uint64_t before = sluice::test::heap_blocks_of_thread();
    for (std::size_t i = 0; i < rounds; ++i) {
        std::size_t left = at_once;
        wait all_done;
        for (std::size_t one = 0; one < at_once; ++one)
            shard::current().background().spawn(work(redis, value, left, all_done));
        (void)co_await all_done.until();
    }
    co_return sluice::test::heap_blocks_of_thread() - before;
}

TEST_F(Allocation, is_none_for_commands_replies_and_scripts_however_many_at_once)
{
    if (!pool_recycles) GTEST_SKIP() << "the pool gives everything back under a sanitizer";
    metric_set shown;
    client_options with = options();
    with.metrics = &shown;
    client& redis = open(with);
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

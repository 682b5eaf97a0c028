// A limited request takes nothing from the heap, whether it passes, is refused, or is asked about at another shard.
#include "heap_count.hpp"
#include "run.hpp"

#include <sluice/http/test_request.hpp>
#include <sluice/limit/limiter.hpp>
#include <sluice/middleware/rate_limiting.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;

// As a route does it.
task<bool> ask(rate_limiting& limited, request& asked)
{
    asked.notes().clear();
    std::optional<waiting_middleware::said> now = limited.at_once(asked);
    waiting_middleware::said said;
    if (now)
        said = std::move(*now);
    else
        said = co_await limited.before_waiting(asked);
    response answer = said ? std::move(**said) : response::text("here");
    limited.after(asked, answer);
    co_return answer.status() == http::status::ok;
}

task<std::uint64_t> ask_often(rate_limiting& limited, request& asked)
{
    std::uint64_t passed = 0;
    for (int i = 0; i < 3000; ++i) passed += co_await ask(limited, asked) ? 1 : 0;
    co_return passed;
}

TEST(LimitAllocation, there_is_none)
{
    if (!pool_recycles) GTEST_SKIP() << "the pool gives blocks back to the sanitizer at once";
    constexpr unsigned shard_count = 2;
    rate_limit all({.quotas = {{.requests = 5000, .window = 1h}}}, {.shards = shard_count});
    sluice::test::shard_runner shards(shard_count);
    auto& limited = *shards.run([&]() -> task<rate_limiting*> {
        shard& here = shard::current();
        co_return &here.own<rate_limiting>(here.own<limiter>(here, all));
    });
    const auto warm_up = [&](const std::string& client) {
        return shards.run([&]() -> task<std::uint64_t> {
            http::test_request asked;
            asked.client(client);
            const std::uint64_t passed = co_await ask_often(limited, asked.get());
            co_return passed + co_await ask_often(limited, asked.get()); // some are refused
        });
    };
    // A client is refused only once by another shard, and from this one's memory from then on: with a few of them that
    // may be met for the first time, and take a first block from the pool, where it is counted.
    for (int i = 0; i < 30; ++i) warm_up("198.51.100." + std::to_string(i));
    // Enough clients that some are at home here and some are not.
    for (const char* client : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::1"}) {
        const auto [warm, passed, taken] = shards.run([&]() -> task<std::array<std::uint64_t, 3>> {
            http::test_request asked;
            asked.client(client);
            const std::uint64_t before = co_await ask_often(limited, asked.get());
            const std::uint64_t before_all = sluice::test::heap_blocks();
            const std::uint64_t after = co_await ask_often(limited, asked.get());
            co_return {before, after, sluice::test::heap_blocks() - before_all};
        });
        EXPECT_EQ(taken, 0u) << client;
        EXPECT_EQ(warm, 3000u);
        EXPECT_GE(passed, 1900u);
        EXPECT_LE(passed, 2000u) << "the others are refused";
    }
}

} // namespace
} // namespace sluice::limit

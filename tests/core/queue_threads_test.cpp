// The queues between real threads: every value arrives once, and in its producer's order. Run under ThreadSanitizer
// too.
#include <sluice/core/mpmc_queue.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/spsc_queue.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace sluice {

namespace {

constexpr std::uint64_t messages = 200'000;

template <class Q, class T> void push(Q& queue, T value)
{
    while (!queue.try_push(std::move(value))) std::this_thread::yield();
}

} // namespace

TEST(SpscQueue, two_threads_lose_and_reorder_nothing)
{
    // Small, so that both ends are met often.
    spsc_queue<std::unique_ptr<std::uint64_t>> queue(16);
    std::thread producer([&queue] {
        for (std::uint64_t i = 0; i < messages; ++i) push(queue, std::make_unique<std::uint64_t>(i));
    });
    std::uint64_t expected = 0;
    bool in_order = true;
    std::unique_ptr<std::uint64_t> value;
    while (expected < messages) {
        if (!queue.try_pop(value)) {
            std::this_thread::yield();
            continue;
        }
        in_order = in_order && *value == expected;
        ++expected;
    }
    producer.join();
    EXPECT_TRUE(in_order);
    EXPECT_FALSE(queue.try_pop(value));
}

TEST(MpmcQueue, many_threads_lose_and_double_nothing_and_keep_each_producers_order)
{
    constexpr std::uint64_t producers = 3;
    constexpr std::uint64_t consumers = 3;
    mpmc_queue<std::unique_ptr<std::uint64_t>> queue(16);
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> sum{0};
    std::atomic<bool> in_order{true};

    std::vector<std::thread> threads;
    for (std::uint64_t p = 0; p < producers; ++p) {
        threads.emplace_back([&queue, p] {
            for (std::uint64_t i = 0; i < messages / producers; ++i)
                push(queue, std::make_unique<std::uint64_t>(i * producers + p));
        });
    }
    constexpr std::uint64_t total = messages / producers * producers;
    for (std::uint64_t c = 0; c < consumers; ++c) {
        threads.emplace_back([&] {
            std::vector<std::int64_t> last(producers, -1);
            std::unique_ptr<std::uint64_t> value;
            while (taken.load(std::memory_order_relaxed) < total) {
                if (!queue.try_pop(value)) {
                    std::this_thread::yield();
                    continue;
                }
                taken.fetch_add(1, std::memory_order_relaxed);
                sum.fetch_add(*value, std::memory_order_relaxed);
                auto& before = last[*value % producers];
                if (before >= static_cast<std::int64_t>(*value)) in_order = false;
                before = static_cast<std::int64_t>(*value);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(in_order);
    EXPECT_EQ(taken, total);
    EXPECT_EQ(sum, total * (total - 1) / 2);
}

TEST(Pool, blocks_wander_between_threads)
{
    spsc_queue<std::unique_ptr<pooled_string>> queue(64);
    std::thread producer([&queue] {
        for (std::size_t i = 0; i < 50'000; ++i)
            push(queue, std::make_unique<pooled_string>(40 + i % 2000, static_cast<char>('a' + i % 26)));
    });
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < 50'000;) {
        std::unique_ptr<pooled_string> text;
        if (!queue.try_pop(text)) {
            std::this_thread::yield();
            continue;
        }
        if (*text != pooled_string(40 + i % 2000, static_cast<char>('a' + i % 26))) ++wrong;
        ++i;
    }
    producer.join();
    EXPECT_EQ(wrong, 0U);
}

} // namespace sluice

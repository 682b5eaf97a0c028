// The cache over several shards, without Redis.
#include "cached_process.hpp"
#include "kept_traces.hpp"

namespace sluice::cache::test {
namespace {

using namespace std::chrono_literals;

cache_options lasting() { return {.first_tier_bytes = 3 << 20, .ttl = 1h, .negative_ttl = 1h}; }

cache_options expired_at_once()
{
    cache_options options = lasting();
    options.ttl = 1ns;
    options.stale_on_error = 1h;
    return options;
}

struct TwoTierCache : testing::Test
{
    table rows;
};

TEST_F(TwoTierCache, loads_a_value_once_for_all_shards)
{
    cached_process process(rows, lasting());
    rows.set(7, "seven");
    for (unsigned on = 0; on < 3; ++on)
        for (int again = 0; again < 2; ++again) EXPECT_EQ(process.find(on, 7), "seven");
    EXPECT_EQ(rows.reads, 1);
    const cache_counters seen = process.sum();
    EXPECT_EQ(seen.l1 + seen.misses, 6U);
    EXPECT_EQ(seen.misses, 1U);
}

TEST_F(TwoTierCache, loads_once_for_a_thousand_requests_at_once)
{
    cached_process process(rows, lasting());
    rows.set(7, "seven");
    rows.held = true;
    std::vector<decltype(process.start_find(0, 7))> waiting;
    for (unsigned i = 0; i < 1000; ++i) waiting.push_back(process.start_find(i % 3, 7));
    rows.held = false;
    for (auto& one : waiting) EXPECT_EQ(one.get().value(), "seven");
    EXPECT_EQ(rows.reads, 1);
}

TEST_F(TwoTierCache, loads_within_the_trace_of_the_request_that_began_it)
{
    cached_process process(rows, lasting());
    for (number key = 0; key < 30; ++key) { // of every home
        context request;
        request.trace = trace_context::start();
        request.stages.begin(steady_clock::now());
        EXPECT_EQ(process.start_find(1, key, &request).get().value(), std::nullopt);
        EXPECT_EQ(rows.last_trace().trace_id, request.trace.trace_id) << key;
        EXPECT_EQ(request.cache, cache_tier::miss);
        // What the load did is what the request waited for.
        EXPECT_GT(request.stages.spent(stage::query), duration::zero()) << key;
        EXPECT_GE(request.stages.spent(stage::cache), duration::zero()) << key;
    }
}

TEST_F(TwoTierCache, shows_a_load_as_a_span_of_the_request_that_began_it_with_what_it_did_below)
{
    kept_traces sink;
    cached_process process(rows, lasting());
    keep_traces(process, &sink);
    for (number key = 0; key < 10; ++key) { // of every home
        span_log spans;
        context request;
        request.trace = trace_context::start();
        request.trace_state = "vendor=1,other=2";
        request.spans = &spans;
        EXPECT_TRUE(process.start_find(1, key, &request).get());
        ASSERT_EQ(spans.all().size(), 1U);
        EXPECT_EQ(spans.all()[0].name, "cache");
        await([&] { return sink.all().size() == static_cast<std::size_t>(key) + 1; }, "the load's span");
        const kept_traces::kept load = sink.all().back();
        EXPECT_EQ(load.name, "cache load");
        EXPECT_EQ(load.trace.trace_id, request.trace.trace_id);
        EXPECT_EQ(load.trace.parent_id, request.trace.span_id);
        EXPECT_NE(load.trace.span_id, request.trace.span_id);
        EXPECT_EQ(load.state, "vendor=1,other=2");
        EXPECT_EQ(load.below, std::vector<std::string>{"table"});
    }
    keep_traces(process, nullptr);
}

TEST_F(TwoTierCache, counts_a_load_that_began_for_another_request_as_waiting_for_the_cache)
{
    cached_process process(rows, lasting());
    rows.held = true;
    context first, second;
    auto began = process.start_find(0, 7, &first);
    await([&] { return rows.reads == 1; }, "the load has read");
    second.stages.begin(steady_clock::now());
    auto joined = process.start_find(1, 7, &second);
    await(
        [&] {
            return process.counters(0).joined + process.counters(1).joined + process.counters(2).joined > 0 ||
                   rows.reads > 1;
        },
        "the second request has joined");
    rows.held = false;
    EXPECT_TRUE(began.get());
    EXPECT_TRUE(joined.get());
    EXPECT_EQ(rows.reads, 1);
    EXPECT_EQ(second.stages.spent(stage::query), duration::zero());
    EXPECT_GT(second.stages.spent(stage::cache), duration::zero());
}

TEST_F(TwoTierCache, counts_what_a_write_waits_for_other_shards_as_waiting_for_the_cache)
{
    cached_process process(rows, lasting());
    span_log spans;
    context writer;
    writer.spans = &spans;
    writer.stages.begin(steady_clock::now());
    const auto write = [&process] { return cached_process::invalidate_here(process.parts[1], 7); };
    EXPECT_TRUE(process.start(1, write, &writer).get());
    EXPECT_GT(writer.stages.spent(stage::cache), duration::zero());
    ASSERT_EQ(spans.all().size(), 1U);
    EXPECT_EQ(spans.all()[0].name, "cache invalidation");
}

TEST_F(TwoTierCache, knows_an_absence_until_it_is_over)
{
    cached_process process(rows, lasting());
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "");
    EXPECT_EQ(rows.reads, 1);
    rows.set(7, "seven");
    EXPECT_TRUE(process.invalidate(1, 7));
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "seven");
}

TEST_F(TwoTierCache, keeps_an_absence_no_longer_than_its_own_time)
{
    cache_options options = lasting();
    options.negative_ttl = 1ns;
    cached_process process(rows, options);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(process.find(0, 7), "");
    EXPECT_EQ(rows.reads, 5);
}

TEST_F(TwoTierCache, keeps_an_absence_no_longer_than_a_value)
{
    cache_options options = lasting();
    options.ttl = 1ns;
    cached_process process(rows, options);
    EXPECT_EQ(process.find(0, 7), "");
    rows.set(7, "seven");
    EXPECT_EQ(process.find(0, 7), "seven");
}

TEST_F(TwoTierCache, has_dropped_a_value_everywhere_when_a_write_is_confirmed)
{
    cached_process process(rows, lasting());
    for (int round = 0; round < 200; ++round) {
        const std::string value = std::to_string(round);
        rows.set(7, value);
        EXPECT_TRUE(process.invalidate(static_cast<unsigned>(round) % 3, 7));
        for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), value);
    }
    EXPECT_EQ(rows.reads, 200);
}

TEST_F(TwoTierCache, keeps_nothing_of_a_load_that_a_write_overtook)
{
    cached_process process(rows, lasting());
    rows.set(7, "old");
    rows.held = true;
    auto waiting = process.start_find(1, 7);
    await([&] { return rows.reads == 1; }, "the load has read");
    rows.set(7, "new");
    EXPECT_TRUE(process.invalidate(2, 7));
    rows.held = false;
    EXPECT_EQ(waiting.get().value(), "old"); // who had asked before may have it
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "new");
    EXPECT_EQ(rows.reads, 2);
}

TEST_F(TwoTierCache, gives_whoever_asks_after_a_write_a_load_of_his_own)
{
    cached_process process(rows, lasting());
    rows.set(7, "old");
    rows.held = true;
    auto before = process.start_find(1, 7);
    await([&] { return rows.reads == 1; }, "the load has read");
    rows.set(7, "new");
    EXPECT_TRUE(process.invalidate(1, 7));
    auto after = process.start_find(1, 7);
    await([&] { return rows.reads == 2; }, "the second load has read");
    rows.held = false;
    EXPECT_EQ(before.get().value(), "old");
    EXPECT_EQ(after.get().value(), "new");
}

TEST_F(TwoTierCache, passes_values_of_any_size_between_shards)
{
    cached_process process(rows, lasting());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{200}, std::size_t{5000},
                                   std::size_t{300'000}, std::size_t{3 << 20}}) {
        const std::string value(size, 'x');
        const auto key = static_cast<number>(size);
        rows.set(key, value);
        for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, key), value) << size;
    }
}

TEST_F(TwoTierCache, tells_everyone_who_waits_when_the_loader_fails)
{
    cached_process process(rows, lasting());
    rows.fails = true;
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "failed: The table is away");
    rows.fails = false;
    rows.set(7, "seven");
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "seven");
}

TEST_F(TwoTierCache, lets_a_request_go_at_its_deadline_and_keeps_the_value_for_the_next)
{
    cached_process process(rows, lasting());
    rows.set(7, "seven");
    rows.held = true;
    context hasty;
    hasty.deadline = steady_clock::now() + 20ms;
    const auto late = process.start_find(0, 7, &hasty).get();
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::timeout);
    rows.held = false;
    EXPECT_EQ(process.find(0, 7), "seven");
    EXPECT_EQ(rows.reads, 1);
}

TEST_F(TwoTierCache, loads_anew_what_has_expired)
{
    cache_options options = lasting();
    options.ttl = 1ns;
    cached_process process(rows, options);
    rows.set(7, "a");
    EXPECT_EQ(process.find(0, 7), "a");
    rows.set(7, "b"); // nobody says so
    EXPECT_EQ(process.find(0, 7), "b");
}

TEST_F(TwoTierCache, serves_what_has_expired_while_one_load_renews_it)
{
    cache_options options = lasting();
    options.ttl = 1ns;
    options.stale_while_revalidate = 1h;
    cached_process process(rows, options);
    rows.set(7, "a");
    EXPECT_EQ(process.find(0, 7), "a");
    rows.set(7, "b");
    rows.held = true;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(process.find(0, 7), "a");
    rows.held = false;
    await([&] { return process.find(0, 7) == "b"; }, "the renewed value");
    // An invalidated one is served no more.
    rows.set(7, "c");
    EXPECT_TRUE(process.invalidate(1, 7));
    EXPECT_EQ(process.find(0, 7), "c");
}

TEST_F(TwoTierCache, serves_what_has_expired_where_the_loader_fails)
{
    cached_process process(rows, expired_at_once());
    rows.set(7, "a");
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "a");
    rows.fails = true;
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "a");
    EXPECT_TRUE(process.invalidate(1, 7));
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "failed: The table is away");
}

TEST_F(TwoTierCache, serves_what_has_expired_to_whose_time_is_over_before_the_loader_answers)
{
    cached_process process(rows, expired_at_once());
    rows.set(7, "a");
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "a");
    rows.set(7, "b");
    rows.held = true;
    for (unsigned on = 0; on < 3; ++on) {
        context hasty;
        hasty.deadline = steady_clock::now() + 20ms;
        EXPECT_EQ(process.start_find(on, 7, &hasty).get().value(), "a");
    }
    rows.held = false;
    await([&] { return process.find(0, 7) == "b"; }, "the loaded value");
}

TEST_F(TwoTierCache, serves_what_has_expired_at_the_bound_of_loads)
{
    cache_options options = expired_at_once();
    options.loads_max = 1;
    cached_process process(rows, options, 1);
    rows.set(7, "a");
    EXPECT_EQ(process.find(0, 7), "a");
    rows.held = true;
    auto other = process.start_find(0, 8);
    await([&] { return rows.reads == 2; }, "the other load");
    EXPECT_EQ(process.find(0, 7), "a");
    EXPECT_EQ(process.find(0, 9), "failed: Too many values are being loaded");
    rows.held = false;
    EXPECT_TRUE(other.get());
}

TEST_F(TwoTierCache, works_without_a_first_tier)
{
    cache_options options = lasting();
    options.first_tier_bytes = 0;
    cached_process process(rows, options);
    rows.set(7, "a");
    for (unsigned on = 0; on < 3; ++on) EXPECT_EQ(process.find(on, 7), "a");
    EXPECT_EQ(rows.reads, 3);
    EXPECT_TRUE(process.invalidate(1, 7));
}

// Readers and writers as fast as they can, on all shards: never older than what was confirmed when the read began.
TEST_F(TwoTierCache, gives_nobody_a_value_older_than_a_confirmed_write)
{
    cached_process process(rows, lasting(), 4);
    constexpr number keys = 5;
    std::array<std::atomic<int>, keys> confirmed{};
    std::array<std::mutex, keys> one_writer;
    for (number k = 0; k < keys; ++k) rows.set(k, "0");
    std::atomic<bool> done{false};
    std::atomic<int> hits{0};
    std::vector<std::thread> threads;
    for (unsigned on = 0; on < 4; ++on)
        threads.emplace_back([&, on] {
            for (int i = 0; !done; ++i) {
                const number key = i % keys;
                const int floor = confirmed[static_cast<std::size_t>(key)];
                EXPECT_GE(std::stoi(process.find(on, key)), floor);
                ++hits;
            }
        });
    for (unsigned w = 0; w < 2; ++w)
        threads.emplace_back([&, w] {
            for (int i = 1; i <= 300; ++i) {
                const auto key = static_cast<std::size_t>(i) % keys;
                const std::lock_guard lock(one_writer[key]);
                const int next = confirmed[key] + 1;
                rows.set(static_cast<number>(key), std::to_string(next));
                EXPECT_TRUE(process.invalidate(w, static_cast<number>(key)));
                confirmed[key] = next;
            }
        });
    for (std::size_t t = 4; t < threads.size(); ++t) threads[t].join();
    done = true;
    for (std::size_t t = 0; t < 4; ++t) threads[t].join();
    EXPECT_GT(hits, 0);
}

} // namespace
} // namespace sluice::cache::test

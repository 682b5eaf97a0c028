// What a request that writes shows of Redis: where its time went, and what Redis was told for it. Run by
// tests/redis/server.py.
#include "../redis/redis.hpp"
#include "cached_process.hpp"
#include "kept_traces.hpp"

namespace sluice::cache::test {
namespace {

using namespace std::chrono_literals;

TEST(RedisSpans, show_a_write_what_it_waited_for_and_what_redis_was_told_for_it)
{
    table rows;
    kept_traces sink;
    const redis::client_options patient = {
        .where = redis::parse_url(redis::test::environment("SLUICE_TEST_REDIS_URL")).value(),
        .connect_timeout = 20s,
        .command_timeout = 20s};
    cached_process process(rows, {.first_tier_bytes = 3 << 20, .ttl = 1h, .negative_ttl = 1h}, 2, patient);
    keep_traces(process, &sink);
    for (number key = 0; key < 10; ++key) { // of every home
        span_log spans;
        context writer;
        writer.trace = trace_context::start();
        writer.trace_state = "vendor=1";
        writer.spans = &spans;
        writer.stages.begin(steady_clock::now());
        const auto write = [&process, key] { return cached_process::invalidate_here(process.parts[0], key); };
        EXPECT_TRUE(process.start(0, write, &writer).get());
        EXPECT_GT(writer.stages.spent(stage::redis), duration::zero());
        ASSERT_EQ(spans.all().size(), 1U);
        EXPECT_EQ(spans.all()[0].name, "cache invalidation");

        ASSERT_EQ(sink.all().size(), static_cast<std::size_t>(key) + 1);
        const kept_traces::kept told = sink.all().back();
        EXPECT_EQ(told.name, "cache erase");
        EXPECT_EQ(told.trace.trace_id, writer.trace.trace_id);
        EXPECT_EQ(told.trace.parent_id, writer.trace.span_id);
        EXPECT_EQ(told.state, "vendor=1");
        ASSERT_FALSE(told.below.empty());
        for (const std::string& one : told.below) EXPECT_TRUE(one == "EVALSHA" || one == "SCRIPT") << one;
    }
    keep_traces(process, nullptr);
}

} // namespace
} // namespace sluice::cache::test

// A process that caches: shards, a part of the cache on each, and a table in memory in place of a database, whose reads
// a test counts, holds back and lets fail. Two of these in one program are two processes to a Redis that they share.
#pragma once

#include "run.hpp"

#include <sluice/cache/two_tier_cache.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/redis/subscriber.hpp>
#include <sluice/shard/offload.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluice::cache::test {

using number = std::int32_t;
using text_cache = two_tier_cache<number, pooled_string>;

// Shared by all shards, and by processes that use one database.
class table
{
public:
    void set(number key, std::string value)
    {
        const std::lock_guard lock(mutex_);
        rows_[key] = std::move(value);
    }
    void remove(number key)
    {
        const std::lock_guard lock(mutex_);
        rows_.erase(key);
    }
    std::optional<std::string> get(number key)
    {
        const std::lock_guard lock(mutex_);
        const auto found = rows_.find(key);
        ++reads; // who sees it knows that the row has been read
        if (found == rows_.end()) return std::nullopt;
        return found->second;
    }
    // Of the request that a read was for.
    void read_for(const trace_context& request)
    {
        const std::lock_guard lock(mutex_);
        last_trace_ = request;
    }
    trace_context last_trace()
    {
        const std::lock_guard lock(mutex_);
        return last_trace_;
    }
    std::atomic<int> reads{0};
    std::atomic<bool> fails{false};
    std::atomic<bool> held{false}; // whoever has read waits with what he read

private:
    std::mutex mutex_;
    std::map<number, std::string> rows_;
    trace_context last_trace_;
};

// Until f holds.
template <class F> void await(F f, const char* what)
{
    for (int i = 0; i < 12'000; ++i) {
        if (f()) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << "waited a minute in vain: " << what;
}

class cached_process
{
public:
    struct part
    {
        shard_cache* cache = nullptr;
        text_cache* texts = nullptr;
    };

    template <class Make> auto start(unsigned on, Make make, context* during = nullptr)
    {
        return runner.start(on, std::move(make), during);
    }
    template <class Make> auto run(unsigned on, Make make) { return start(on, std::move(make)).get(); }

    cached_process(table& of, cache_options options, unsigned shards = 3,
                   std::optional<redis::client_options> redis = {})
        : rows(of), all(shards, std::move(options)), parts(shards), runner(shards)
    {
        // As at the start of a server: all parts are there before any is used.
        for (unsigned i = 0; i < shards; ++i) run(i, [this, i, redis] { return make(i, redis); });
        if (redis) run(0, [this, redis] { return subscribe(*redis); });
    }

    static task<result<std::optional<pooled_string>>> find_here(text_cache& in, number key)
    {
        co_return co_await in.find(key);
    }
    // What a find on that shard gives; "" for an absence.
    std::string find(unsigned on, number key)
    {
        const auto found = run(on, [this, on, key] { return find_here(*parts[on].texts, key); });
        if (!found) return "failed: " + found.error().detail;
        return std::string(found->value_or(""));
    }
    auto start_find(unsigned on, number key, context* during = nullptr)
    {
        return start(on, [this, on, key] { return find_here(*parts[on].texts, key); }, during);
    }
    static task<result<void>> invalidate_here(part in, number key)
    {
        invalidations written(*in.cache);
        in.texts->invalidate(key, written);
        co_return co_await written.confirmed();
    }
    result<void> invalidate(unsigned on, number key)
    {
        return run(on, [this, on, key] { return invalidate_here(parts[on], key); });
    }
    cache_counters counters(unsigned on)
    {
        return run(on, [this, on]() -> task<cache_counters> { co_return parts[on].cache->counters(); });
    }
    cache_counters sum()
    {
        cache_counters total{};
        for (unsigned i = 0; i < parts.size(); ++i) {
            const cache_counters one = counters(i);
            total.l1 += one.l1;
            total.l2 += one.l2;
            total.misses += one.misses;
            total.loads += one.loads;
            total.loader_calls += one.loader_calls;
            total.second_tier_hits += one.second_tier_hits;
            total.second_tier_failures += one.second_tier_failures;
            total.fills += one.fills;
            total.pending += one.pending;
            total.stale += one.stale;
            total.detached += one.detached;
        }
        return total;
    }
    bool subscribed()
    {
        return run(0, [this]() -> task<bool> { co_return subscriber_->is_subscribed(); });
    }

    table& rows;
    shared_parts all;
    std::vector<part> parts;

private:
    task<bool> make(unsigned i, std::optional<redis::client_options> options)
    {
        shard& here = shard::current();
        redis::client* client = options ? &here.own<redis::client>(here, blocking_, *options) : nullptr;
        auto& cache = here.own<shard_cache>(here, all, client);
        parts[i] = {.cache = &cache,
                    .texts = &here.own<text_cache>(cache, "text", [this](number key) { return load(key); })};
        co_return true;
    }
    task<result<std::optional<pooled_string>>> load(number key)
    {
        const stage_timer reading(stage::query);
        const span query("table", span_kind::client);
        if (const context* request = context::current()) rows.read_for(request->trace);
        auto found = rows.get(key);
        while (rows.held)
            if (const auto slept = co_await sleep_for(std::chrono::milliseconds(1)); !slept)
                co_return fail(slept.error());
        if (rows.fails) co_return fail(errc::unavailable, "The table is away");
        std::optional<pooled_string> value;
        if (found) value.emplace(*found);
        co_return value;
    }
    task<bool> subscribe(redis::client_options options)
    {
        shard& here = shard::current();
        subscriber_ = &here.own<redis::subscriber>(
            here, blocking_, redis::subscriber_options{.where = options.where, .channels = {all.channel()}},
            parts[0].cache->subscriber_functions());
        co_return true;
    }

    offload_pool blocking_{{.threads = 2}};
    redis::subscriber* subscriber_ = nullptr;
    sluice::test::shard_runner runner;
};

} // namespace sluice::cache::test

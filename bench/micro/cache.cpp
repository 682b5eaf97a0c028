// What the first tier costs: a hit, a miss, and an insertion that pushes another entry out, by the number of entries.
//
// Keys of 20 bytes and values of 120, as a user's are, come in a random order, each once in a round, so that every
// access is as cold as it can be. Beside it, what a map of strings with a list for its order takes for a hit.
#include <sluice/cache/first_tier.hpp>
#include <sluice/core/hash.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <list>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using namespace sluice;

constexpr std::size_t value_bytes = 120;
// With its header, its key and its share of the index; a tier for a quarter more than it holds evicts nothing.
constexpr std::size_t entry_bytes = 200 * 5 / 4;

struct key
{
    explicit key(std::uint64_t number)
    {
        std::memset(text, 'k', sizeof(text));
        std::memcpy(text + sizeof(text) - sizeof(number), &number, sizeof(number));
    }
    operator std::string_view() const { return {text, sizeof(text)}; }
    char text[20];
};

std::vector<key> keys_in_random_order(std::uint64_t first, std::size_t count)
{
    std::vector<key> keys;
    for (std::uint64_t i = 0; i < count; ++i) keys.emplace_back(first + i);
    std::ranges::shuffle(keys, std::mt19937_64(1));
    return keys;
}

void fill(cache::first_tier& tier, std::uint64_t first, std::size_t count)
{
    const std::string value(value_bytes, 'v');
    for (std::uint64_t i = 0; i < count; ++i) {
        const key one(first + i);
        tier.put(hash_bytes(one), one, value, never, never);
    }
}

// With the key's hash, as callers have to make it.
void BM_cache_hit(benchmark::State& state)
{
    const auto entries = static_cast<std::size_t>(state.range(0));
    cache::first_tier tier({.bytes = std::max(entries * entry_bytes, cache::first_tier_bytes_min)});
    fill(tier, 0, entries);
    const std::vector<key> keys = keys_in_random_order(0, entries);
    for (std::size_t at = 0; auto _ : state) {
        const std::string_view one = keys[at];
        const auto found = tier.find(hash_bytes(one), one, {});
        if (!found) return state.SkipWithError("it is not there");
        benchmark::DoNotOptimize(found->value.front());
        at = at + 1 == entries ? 0 : at + 1;
    }
}
BENCHMARK(BM_cache_hit)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

void BM_cache_miss(benchmark::State& state)
{
    const auto entries = static_cast<std::size_t>(state.range(0));
    cache::first_tier tier({.bytes = std::max(entries * entry_bytes, cache::first_tier_bytes_min)});
    fill(tier, 0, entries);
    const std::vector<key> keys = keys_in_random_order(entries, entries);
    for (std::size_t at = 0; auto _ : state) {
        const std::string_view one = keys[at];
        benchmark::DoNotOptimize(tier.find(hash_bytes(one), one, {}));
        at = at + 1 == entries ? 0 : at + 1;
    }
}
BENCHMARK(BM_cache_miss)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

// Keys that come only once, into a tier that is full.
void BM_cache_insert(benchmark::State& state)
{
    const auto entries = static_cast<std::size_t>(state.range(0));
    cache::first_tier tier({.bytes = std::max(entries * 200, cache::first_tier_bytes_min)});
    fill(tier, 0, 2 * entries);
    const std::string value(value_bytes, 'v');
    const std::uint64_t evicted = tier.counters().evictions;
    std::uint64_t number = 2 * entries;
    for (auto _ : state) {
        const key one(number++);
        tier.put(hash_bytes(one), one, value, never, never);
    }
    state.counters["evictions"] = benchmark::Counter(static_cast<double>(tier.counters().evictions - evicted),
                                                     benchmark::Counter::kAvgIterations);
}
BENCHMARK(BM_cache_insert)->Name("BM_cache_insert/evicting")->Arg(1000)->Arg(100'000)->Arg(1'000'000);

// Keys as they are asked for, half of them to be found: a miss is followed by its put.
void BM_cache_find_or_put(benchmark::State& state)
{
    const auto entries = static_cast<std::size_t>(state.range(0));
    cache::first_tier tier({.bytes = std::max(entries * 200, cache::first_tier_bytes_min)});
    const std::string value(value_bytes, 'v');
    std::mt19937_64 random(2);
    std::vector<key> keys;
    for (std::size_t i = 0; i < 4 * entries; ++i) {
        const double drawn = static_cast<double>(random() >> 11) * 0x1p-53;
        keys.emplace_back(static_cast<std::uint64_t>(drawn * drawn * drawn * static_cast<double>(8 * entries)));
    }
    const auto ask = [&](std::string_view one) {
        const std::uint64_t hash = hash_bytes(one);
        if (!tier.find(hash, one, {})) tier.put(hash, one, value, never, never);
    };
    for (const key& one : keys) ask(one);
    for (std::size_t at = 0; auto _ : state) {
        ask(keys[at]);
        at = at + 1 == keys.size() ? 0 : at + 1;
    }
    const cache::first_tier_counters counted = tier.counters();
    state.counters["hit_ratio"] =
        static_cast<double>(counted.hits) / static_cast<double>(counted.hits + counted.misses);
}
BENCHMARK(BM_cache_find_or_put)->Name("BM_cache_find_or_put/mixed")->Arg(1000)->Arg(100'000)->Arg(1'000'000);

// The usual LRU, to compare.
void BM_cache_hit_in_a_map(benchmark::State& state)
{
    struct node
    {
        std::string value;
        std::list<std::string_view>::iterator place;
    };
    const auto entries = static_cast<std::size_t>(state.range(0));
    std::unordered_map<std::string, node> map;
    std::list<std::string_view> recent;
    const std::vector<key> keys = keys_in_random_order(0, entries);
    for (std::uint64_t i = 0; i < entries; ++i) {
        const auto at = map.try_emplace(std::string(std::string_view(key(i)))).first;
        at->second = {.value = std::string(value_bytes, 'v'), .place = recent.insert(recent.begin(), at->first)};
    }
    for (std::size_t at = 0; auto _ : state) {
        const auto found = map.find(std::string(std::string_view(keys[at])));
        recent.splice(recent.begin(), recent, found->second.place);
        benchmark::DoNotOptimize(found->second.value.front());
        at = at + 1 == entries ? 0 : at + 1;
    }
}
BENCHMARK(BM_cache_hit_in_a_map)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

} // namespace

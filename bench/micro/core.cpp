// What core costs: memory from the pool, ids, trace identity, times, hashes, the queues between threads.
#include <sluice/core/buffer.hpp>
#include <sluice/core/hash.hpp>
#include <sluice/core/mpmc_queue.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/random.hpp>
#include <sluice/core/span.hpp>
#include <sluice/core/spsc_queue.hpp>
#include <sluice/core/timestamp.hpp>
#include <sluice/core/trace.hpp>
#include <sluice/core/uuid.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <string>
#include <thread>

namespace {

using namespace sluice;

// Allocated and freed again: the block stays warm, as a request's do.
void BM_core_pool_allocate_free(benchmark::State& state)
{
    const auto bytes = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        void* block = pool_allocate(bytes);
        benchmark::DoNotOptimize(block);
        pool_deallocate(block, bytes);
    }
}
BENCHMARK(BM_core_pool_allocate_free)->Arg(128)->Arg(4096)->Arg(65'536);

// The same from the general allocator, to compare.
void BM_core_heap_allocate_free(benchmark::State& state)
{
    const auto bytes = static_cast<std::size_t>(state.range(0));
    for (auto _ : state) {
        void* block = ::operator new(bytes);
        benchmark::DoNotOptimize(block);
        ::operator delete(block, bytes);
    }
}
BENCHMARK(BM_core_heap_allocate_free)->Arg(128)->Arg(4096)->Arg(65'536);

void BM_core_buffer_fill_reset(benchmark::State& state)
{
    const std::string piece(100, 'x');
    for (auto _ : state) {
        buffer bytes;
        for (int i = 0; i < 10; ++i) bytes.append(piece);
        benchmark::DoNotOptimize(bytes.data());
    }
}
BENCHMARK(BM_core_buffer_fill_reset)->Name("BM_core_buffer_fill_reset/10x100B");

void BM_core_random_bits(benchmark::State& state)
{
    for (auto _ : state) benchmark::DoNotOptimize(random_bits());
}
BENCHMARK(BM_core_random_bits);

void BM_core_uuid_make(benchmark::State& state)
{
    const timestamp now = wall_now();
    for (auto _ : state) benchmark::DoNotOptimize(uuid::make_v7(now));
}
BENCHMARK(BM_core_uuid_make);

void BM_core_uuid_parse(benchmark::State& state)
{
    std::string text = uuid::make_v7(wall_now()).to_string();
    for (auto _ : state) {
        benchmark::DoNotOptimize(text.data());
        benchmark::DoNotOptimize(uuid::parse(text));
    }
}
BENCHMARK(BM_core_uuid_parse);

void BM_core_uuid_write(benchmark::State& state)
{
    uuid id = uuid::make_v7(wall_now());
    char out[36];
    for (auto _ : state) {
        benchmark::DoNotOptimize(id);
        id.write(out);
        benchmark::DoNotOptimize(out);
    }
}
BENCHMARK(BM_core_uuid_write);

void BM_core_uuid_hash(benchmark::State& state)
{
    uuid id = uuid::make_v7(wall_now());
    for (auto _ : state) {
        benchmark::DoNotOptimize(id);
        benchmark::DoNotOptimize(std::hash<uuid>()(id));
    }
}
BENCHMARK(BM_core_uuid_hash);

void BM_core_trace_start(benchmark::State& state)
{
    char id[32];
    for (auto _ : state) {
        trace_context::start().write_trace_id(id);
        benchmark::DoNotOptimize(id);
    }
}
BENCHMARK(BM_core_trace_start)->Name("BM_core_trace_start/written");

void BM_core_trace_continue(benchmark::State& state)
{
    std::string value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (auto _ : state) {
        benchmark::DoNotOptimize(value.data());
        benchmark::DoNotOptimize(trace_context::from_traceparent(value));
    }
}
BENCHMARK(BM_core_trace_continue);

void BM_core_trace_child(benchmark::State& state)
{
    const trace_context parent = trace_context::start();
    char text[traceparent_size];
    for (auto _ : state) {
        parent.child().write_traceparent(text);
        benchmark::DoNotOptimize(text);
    }
}
BENCHMARK(BM_core_trace_child)->Name("BM_core_trace_child/written");

void BM_core_tracestate(benchmark::State& state)
{
    const std::string_view value = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";
    for (auto _ : state) benchmark::DoNotOptimize(valid_tracestate(value));
}
BENCHMARK(BM_core_tracestate);

// What a statement, a command, a call pays: where nobody keeps traces, and where somebody may.
void BM_core_span(benchmark::State& state)
{
    span_log below;
    context request{.spans = state.range(0) == 1 ? &below : nullptr};
    context* const before = context::exchange_current(&request);
    for (auto _ : state) {
        below.clear();
        const span taken("statement", span_kind::client);
        benchmark::ClobberMemory();
    }
    context::exchange_current(before);
}
BENCHMARK(BM_core_span)->Name("BM_core_span/unrecorded")->Arg(0);
BENCHMARK(BM_core_span)->Name("BM_core_span/recorded")->Arg(1);

void BM_core_timestamp_write(benchmark::State& state)
{
    timestamp now = wall_now();
    char out[timestamp_size];
    for (auto _ : state) {
        benchmark::DoNotOptimize(now);
        write_timestamp(now, out);
        benchmark::DoNotOptimize(out);
    }
}
BENCHMARK(BM_core_timestamp_write);

void BM_core_spsc_push_pop(benchmark::State& state)
{
    spsc_queue<void*> queue(1024);
    void* value = &queue;
    for (auto _ : state) {
        benchmark::DoNotOptimize(queue.try_push(value));
        benchmark::DoNotOptimize(queue.try_pop(value));
    }
}
BENCHMARK(BM_core_spsc_push_pop)->Name("BM_core_spsc_push_pop/one_thread");

void BM_core_spsc_batch(benchmark::State& state)
{
    spsc_queue<void*> queue(1024);
    void* value = &queue;
    for (auto _ : state) {
        for (int i = 0; i < 64; ++i) benchmark::DoNotOptimize(queue.try_push(value));
        while (queue.try_pop(value)) benchmark::DoNotOptimize(value);
    }
    state.SetItemsProcessed(state.iterations() * 64);
}
BENCHMARK(BM_core_spsc_batch)->Name("BM_core_spsc_batch/64");

// The other end on a thread of its own that takes as fast as it can.
void BM_core_spsc_two_threads(benchmark::State& state)
{
    spsc_queue<void*> queue(1024);
    std::atomic<bool> done = false;
    std::thread consumer([&] {
        void* value = nullptr;
        while (!done.load(std::memory_order_relaxed))
            if (!queue.try_pop(value)) std::this_thread::yield();
    });
    void* value = &queue;
    for (auto _ : state)
        while (!queue.try_push(value)) std::this_thread::yield();
    done = true;
    consumer.join();
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_core_spsc_two_threads)->UseRealTime();

void BM_core_mpmc_push_pop(benchmark::State& state)
{
    mpmc_queue<void*> queue(1024);
    void* value = &queue;
    for (auto _ : state) {
        benchmark::DoNotOptimize(queue.try_push(value));
        benchmark::DoNotOptimize(queue.try_pop(value));
    }
}
BENCHMARK(BM_core_mpmc_push_pop)->Name("BM_core_mpmc_push_pop/one_thread");

} // namespace

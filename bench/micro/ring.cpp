// The ring: what entering the kernel costs, and an operation on top of it.
#include <sluice/ring/ring.hpp>

#include <benchmark/benchmark.h>

#include <sys/socket.h>

#include <array>
#include <unistd.h>

namespace {

using namespace sluice;

struct counter final : operation
{
    explicit counter(ring* r = nullptr) : operation(&count), of(r) {}
    static void count(operation& op, completion c)
    {
        auto& self = static_cast<counter&>(op);
        ++self.completions;
        if (self.of != nullptr) self.of->recycle(c);
    }
    ring* of;
    std::uint64_t completions = 0;
};

struct quiet_timeout final : timeout_operation
{
    quiet_timeout() : timeout_operation([](operation&, completion) {}) {}
};

void BM_ring_enter(benchmark::State& state)
{
    auto r = *ring::create({});
    for (auto _ : state) {
        r->enter(ring::wait::no);
        benchmark::DoNotOptimize(r->dispatch());
    }
}
BENCHMARK(BM_ring_enter)->Name("BM_ring_enter/nothing");

// A send, and the receive on the other end of the pair that it completes.
void BM_ring_send_receive(benchmark::State& state)
{
    auto r = *ring::create({});
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return state.SkipWithError("no sockets");
    counter received(r.get());
    counter sent;
    r->receive_multishot(ends[0], received);
    for (auto _ : state) {
        const std::uint64_t before = received.completions;
        r->send(ends[1], "0123456789", sent);
        while (received.completions == before || sent.in_flight()) {
            r->enter(ring::wait::yes);
            r->dispatch();
        }
    }
    r->abandon(received);
    r->enter(ring::wait::no);
    r->dispatch();
    for (int fd : ends) close(fd);
}
BENCHMARK(BM_ring_send_receive)->Name("BM_ring_send/and_receive");

// What the loop does when an earlier timer is armed: the old timeout goes, a new one comes.
void BM_ring_timeout(benchmark::State& state)
{
    auto r = *ring::create({});
    quiet_timeout timer;
    for (auto _ : state) {
        r->abandon(timer);
        r->timeout(steady_clock::now() + std::chrono::hours(1), timer);
        r->enter(ring::wait::no);
        r->dispatch();
    }
    r->abandon(timer);
    r->enter(ring::wait::no);
    r->dispatch();
}
BENCHMARK(BM_ring_timeout)->Name("BM_ring_timeout/replace");

} // namespace

#include <sluice/core/mpmc_queue.hpp>
#include <sluice/shard/offload.hpp>

#include <atomic>
#include <csignal>
#include <pthread.h>
#include <sched.h>
#include <semaphore>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluice {

namespace {

thread_local unsigned this_thread_index = 0;

// A thread inherits the pinning of the shard that starts it; this gives it what the process was given.
void unpin() noexcept
{
    cpu_set_t whole;
    if (sched_getaffinity(getpid(), sizeof whole, &whole) == 0)
        pthread_setaffinity_np(pthread_self(), sizeof whole, &whole);
}

} // namespace

struct offload_pool::state
{
    explicit state(std::size_t queue_max) : queue(queue_max) {}
    mpmc_queue<work*> queue;
    // Counts what is queued; ending adds one for each thread, which then finds nothing.
    std::counting_semaphore<> available{0};
    std::atomic<std::size_t> queued{0};
    std::atomic<bool> ending{false};
    std::vector<std::thread> threads;

    void serve(unsigned index)
    {
        unpin();
        this_thread_index = index;
        for (;;) {
            available.acquire();
            work* item = nullptr;
            while (!queue.try_pop(item)) {
                // A producer ahead of ours has claimed its place and not filled it yet, or it is the end.
                if (ending.load(std::memory_order_acquire)) return;
                std::this_thread::yield();
            }
            queued.fetch_sub(1, std::memory_order_relaxed);
            item->run(*item);
        }
    }
};

offload_pool::offload_pool(offload_options options) : state_(std::make_unique<state>(options.queue_max))
{
    // Signals are for the thread that runs the server, though it may block them later than this pool starts.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < options.threads; ++i) state_->threads.emplace_back([s = state_.get(), i] { s->serve(i); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

offload_pool::~offload_pool()
{
    state_->ending.store(true, std::memory_order_release);
    state_->available.release(static_cast<std::ptrdiff_t>(state_->threads.size()));
    for (auto& thread : state_->threads) thread.join();
}

bool offload_pool::submit(work& item) noexcept
{
    state_->queued.fetch_add(1, std::memory_order_relaxed);
    if (!state_->queue.try_push(&item)) {
        state_->queued.fetch_sub(1, std::memory_order_relaxed);
        return false;
    }
    state_->available.release();
    return true;
}

std::size_t offload_pool::queued() const noexcept { return state_->queued.load(std::memory_order_relaxed); }
unsigned offload_pool::threads() const noexcept { return static_cast<unsigned>(state_->threads.size()); }
unsigned offload_pool::thread_index() noexcept { return this_thread_index; }

} // namespace sluice

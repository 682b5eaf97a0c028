// The template part of offload.hpp: the operation that is shared by a waiting coroutine and a pool thread.
#pragma once

#include <sluice/core/pool.hpp>
#include <sluice/core/work_elsewhere.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/wait.hpp>

#include <atomic>
#include <optional>
#include <utility>

namespace sluice::detail {

// Lives on the shard, and is freed there once the pool has handed it back.
template <class F> class offload_operation final : offload_pool::work, inbox_item
{
public:
    using value = std::invoke_result_t<F&>;
    using outcome = typename offload_result<value>::type;

    static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { pool_deallocate(block, bytes); }

    offload_operation(inbox& home, F work)
        : offload_pool::work(&run_on_pool), inbox_item(&back_on_shard), home_(home), work_(std::move(work))
    {}

    [[nodiscard]] bool submit(offload_pool& pool) noexcept { return pool.submit(*this); }
    [[nodiscard]] wait::awaiter finished() noexcept { return waiting_.until(); }
    [[nodiscard]] outcome take()
    {
        elsewhere_.bring_back();
        return *std::move(outcome_);
    }
    // Has the pool handed it back? It may have between the end of the wait and the waiter's turn.
    [[nodiscard]] bool back() const noexcept { return returned_.ended() == wait_end::completed; }
    // The waiter gives up.
    void skip() noexcept { skip_.store(true, std::memory_order_relaxed); }
    // For a waiter that could not stay: until the pool has handed the operation back, whatever the request's end.
    [[nodiscard]] wait::awaiter returned() noexcept { return returned_.until(); }

private:
    static void run_on_pool(offload_pool::work& w)
    {
        auto& self = static_cast<offload_operation&>(w);
        if (!self.skip_.load(std::memory_order_relaxed)) {
            self.elsewhere_.run([&self] {
                if constexpr (std::is_void_v<value>) {
                    self.work_();
                    self.outcome_.emplace();
                } else {
                    self.outcome_.emplace(self.work_());
                }
            });
        }
        self.home_.push(self);
    }
    static void back_on_shard(inbox_item& item)
    {
        auto& self = static_cast<offload_operation&>(item);
        self.waiting_.complete();
        self.returned_.complete();
    }

    inbox& home_;
    F work_;
    work_elsewhere elsewhere_;
    std::optional<outcome> outcome_;
    wait waiting_;
    wait returned_;
    std::atomic<bool> skip_ = false; // a hint to the pool: nobody wants it
};

// A shard ends only after its background tasks, so the pool always finds it.
template <class F> task<void> outlive(offload_operation<F>* operation)
{
    co_await operation->returned();
    delete operation;
}

} // namespace sluice::detail

namespace sluice {

template <class F> task<typename offload_result<std::invoke_result_t<F&>>::type> offload(offload_pool& pool, F work)
{
    auto* operation = new detail::offload_operation<F>(shard::current().inbox(), std::move(work));
    if (!operation->submit(pool)) {
        delete operation;
        co_return fail(errc::unavailable, "Too much work is waiting already");
    }
    const wait_end how = co_await operation->finished();
    if (!operation->back()) {
        operation->skip();
        shard::current().background().spawn(detail::outlive(operation));
        co_return fail(how);
    }
    auto outcome = operation->take();
    delete operation;
    co_return outcome;
}

} // namespace sluice

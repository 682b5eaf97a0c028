// The ready queue of a shard: what has become runnable, in the order in which it did.
//
// Completions are queued here and never run inside the loop that reaps them, so whatever runs may submit, cancel and free
// without pulling the ground from under that loop. A turn runs what was ready when it began; what becomes ready meanwhile
// waits for the next turn, so nothing can starve the ring.
//
// Thread: the one that made it. current() is that thread's executor, null where there is none.
#pragma once

#include <sluice/core/context.hpp>

#include <coroutine>
#include <cstddef>

namespace sluice
{

// Something that can be made ready: embedded in its owner, in the queue at most once, alive until it has run.
struct ready
{
    using function = void (*)(ready&);
    explicit ready(function f) noexcept : run(f) {}
    function run;
    ready* next = nullptr;
    bool queued = false;
};

// First in, first out; intrusive, so that posting allocates nothing.
class ready_queue
{
public:
    ready_queue() noexcept = default;
    ready_queue(const ready_queue&) = delete;
    ready_queue& operator=(const ready_queue&) = delete;

    // An item that is queued already stays where it is.
    void post(ready& item) noexcept
    {
        if (item.queued) return;
        item.queued = true;
        item.next = nullptr;
        (tail_ != nullptr ? tail_->next : head_) = &item;
        tail_ = &item;
    }
    [[nodiscard]] bool idle() const noexcept { return head_ == nullptr; }
    // Runs one turn; says how many items ran.
    std::size_t run();

private:
    ready* head_ = nullptr;
    ready* tail_ = nullptr;
};

// The queue that coroutines of this thread come back through.
class executor : public ready_queue
{
public:
    executor() noexcept;
    ~executor();

    [[nodiscard]] static executor* current() noexcept;

private:
    executor* previous_;
};

// A suspended coroutine on its way back: remembers its request's context and restores it.
struct resumption : ready
{
    resumption() noexcept : ready(&resume) {}
    // In await_suspend: remember who waits.
    void suspend(std::coroutine_handle<> handle) noexcept
    {
        handle_ = handle;
        context_ = context::current();
    }
    [[nodiscard]] bool suspended() const noexcept { return handle_ != nullptr; }
    // Make the coroutine ready on the executor of this thread.
    void wake() noexcept { executor::current()->post(*this); }

private:
    static void resume(ready& self);
    std::coroutine_handle<> handle_;
    context* context_ = nullptr;
};

} // namespace sluice

// The ready queue of a shard: what has become runnable, in the order in which it did.
//
// Completions are queued here and never run inside the loop that reaps them, so whatever runs may submit, cancel and
// free without pulling the ground from under that loop. A turn runs what was ready when it began; what becomes ready
// meanwhile waits for the next turn, so nothing can starve the ring.
//
// Thread: the one that made it. current() is that thread's executor, null where there is none.
#pragma once

#include <sluice/core/assert.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/thread_local.hpp>

#include <coroutine>
#include <cstddef>

#pragma GCC visibility push(default)

namespace sluice {

// Something that can be made ready: embedded in its owner, in the queue at most once. It must stay until it has run, or
// the turn would run freed memory: its destructor asserts that.
struct ready
{
    using function = void (*)(ready&);
    using called_by_loop = void;
    explicit ready(function f) noexcept : run(f) {}
    ready(const ready&) = delete;
    ready& operator=(const ready&) = delete;
    ~ready() { SLUICE_ASSERT(!queued); }

    function run; // may destroy what it is given, and must not throw
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
    // Runs one turn; says how many items ran. Not from within a turn.
    std::size_t run() noexcept;

private:
    ready* head_ = nullptr;
    ready* tail_ = nullptr;
};

// The queue that coroutines of this thread come back through.
class executor : public ready_queue
{
public:
    executor() noexcept;
    ~executor(); // nothing may be left in it

    [[nodiscard]] static executor* current() noexcept;

private:
    executor* previous_;
};

namespace detail {
SLUICE_THREAD_LOCAL inline thread_local executor* current_executor = nullptr;
}

inline executor* executor::current() noexcept { return detail::current_executor; }

// A suspended coroutine on its way back: remembers its request's context and restores it.
struct resumption : ready
{
    resumption() noexcept : ready(&resume) {}
    // In await_suspend: remember who waits.
    void suspend(std::coroutine_handle<> handle) noexcept
    {
        SLUICE_ASSERT(!suspended());
        handle_ = handle;
        context_ = context::current();
    }
    [[nodiscard]] bool suspended() const noexcept { return handle_ != nullptr; }
    // Makes the coroutine ready on this thread's executor. Waking it again before it runs changes nothing.
    void wake() noexcept
    {
        SLUICE_ASSERT(suspended() && executor::current() != nullptr);
        executor::current()->post(*this);
    }

private:
    static void resume(ready& self);
    std::coroutine_handle<> handle_;
    context* context_ = nullptr;
};

} // namespace sluice

#pragma GCC visibility pop

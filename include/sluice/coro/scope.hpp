// scope: where tasks that nobody awaits live. A parent outlives its children.
//
// The problem: a detached task outlives what it refers to. The answer: the only way to detach is spawn() on a scope,
// and a scope must be joined (or found empty) before it dies, which its destructor asserts. Spawned tasks take values.
// They start at once, run until their first wait and go on from the ready queue. Each runs without a request's context
// unless one is given, since it may outlive the request. An exception that leaves a spawned task ends the process.
//
// Thread: one shard's.
#pragma once

#include <sluice/core/assert.hpp>
#include <sluice/core/context.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/coro/task.hpp>

#include <cstddef>

#pragma GCC visibility push(default)

namespace sluice {

class scope
{
public:
    scope() noexcept = default;
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() { SLUICE_ASSERT(running_ == 0); }

    // Starts the task now. `during`, if given, must live until the task ends.
    void spawn(task<void>&& work, context* during = nullptr);
    [[nodiscard]] std::size_t running() const noexcept { return running_; }

    // Asks everything spawned to stop: their waits on stop() end with errc::cancelled.
    void request_stop() { stop_.request(); }
    [[nodiscard]] stop_source& stop() noexcept { return stop_; }

    // Until every spawned task has ended, those spawned meanwhile too. One waiter at a time.
    [[nodiscard]] task<void> join();

private:
    friend void detail::spawned_task_finished(scope&, std::coroutine_handle<>) noexcept;
    std::size_t running_ = 0;
    resumption joiner_;
    stop_source stop_;
};

} // namespace sluice

#pragma GCC visibility pop

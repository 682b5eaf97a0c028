// What coroutine tests share: an executor, a way to run a task on it to its end, and a leaf that waits for the test.
#pragma once

#include <sluice/coro/executor.hpp>
#include <sluice/coro/scope.hpp>
#include <sluice/coro/task.hpp>

#include <exception>
#include <optional>

namespace sluice {

// Turns until nothing is ready.
inline void turn_all(executor& on)
{
    while (!on.idle()) on.run();
}

// What `work` gives, or throws. Everything that it waits for must become ready by itself.
template <class T> T run(executor& on, task<T> work)
{
    std::optional<T> value;
    std::exception_ptr failure;
    scope tasks;
    tasks.spawn([](task<T>& wrapped, std::optional<T>& out, std::exception_ptr& thrown) -> task<> {
        try {
            out.emplace(co_await std::move(wrapped));
        } catch (...) {
            thrown = std::current_exception();
        }
    }(work, value, failure));
    turn_all(on);
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
}

inline void run(executor& on, task<> work)
{
    run(on, [](task<>& wrapped) -> task<bool> {
        co_await std::move(wrapped);
        co_return true;
    }(work));
}

// Suspends its one awaiter until the test calls resume().
struct pause
{
    resumption waiter;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { waiter.suspend(handle); }
    void await_resume() const noexcept {}
    void resume() noexcept { waiter.wake(); }
};

// Lets everything else that is ready run first.
struct yield : pause
{
    void await_suspend(std::coroutine_handle<> handle) noexcept
    {
        waiter.suspend(handle);
        waiter.wake();
    }
};

} // namespace sluice

// task<T>: a lazy coroutine that gives one T to the one who awaits it.
//
// It starts when awaited, runs on its awaiter's shard and hands control back by symmetric transfer. It is immovable:
// await it in the expression that makes it (`auto user = co_await users.find(id);`), or give it to scope::spawn. Its
// frame comes from the thread's pool, so a task costs no heap allocation in steady state. Arguments taken by reference
// must outlive the task; spawned tasks take values. An exception (a programming error) travels to the awaiter. Nothing
// in a coroutine may be aligned to more than 16 bytes: frames are not.
#pragma once

#include <sluice/core/assert.hpp>
#include <sluice/core/pool.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

template <class T = void> class task;
class scope;

namespace detail {

// A spawned task's last act: tells its scope, which destroys the frame.
void spawned_task_finished(scope& owner, std::coroutine_handle<> frame) noexcept;

class promise_base
{
public:
    static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept { pool_deallocate(frame, bytes); }

    std::suspend_always initial_suspend() noexcept { return {}; }

    struct final_awaiter
    {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept
        {
            promise_base& promise = self.promise();
            if (promise.continuation_) return promise.continuation_;
            if (promise.owner_ != nullptr) {
                promise.rethrow(); // out of a noexcept function: the process ends and says what was thrown
                spawned_task_finished(*promise.owner_, self);
            }
            return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { failure_ = std::current_exception(); }

    void continue_with(std::coroutine_handle<> continuation) noexcept { continuation_ = continuation; }
    void belong_to(scope& owner) noexcept { owner_ = &owner; }
    void rethrow() const
    {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::coroutine_handle<> continuation_;
    scope* owner_ = nullptr;
    std::exception_ptr failure_;
};

template <class T> class promise final : public promise_base
{
public:
    task<T> get_return_object() noexcept;
    template <class U = T>
        requires std::convertible_to<U, T>
    void return_value(U&& value)
    {
        value_.emplace(std::forward<U>(value));
    }
    T take()
    {
        rethrow();
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
};

template <> class promise<void> final : public promise_base
{
public:
    task<void> get_return_object() noexcept;
    void return_void() noexcept {}
    void take() const { rethrow(); }
};

} // namespace detail

template <class T> class [[nodiscard]] task
{
public:
    using promise_type = detail::promise<T>;
    using value_type = T;

    explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    task(const task&) = delete;
    task& operator=(const task&) = delete;
    ~task()
    {
        if (handle_) handle_.destroy();
    }

    struct awaiter
    {
        std::coroutine_handle<promise_type> handle;
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept
        {
            handle.promise().continue_with(awaiting);
            return handle;
        }
        T await_resume() const { return handle.promise().take(); }
    };
    // Once, and only in the expression that makes the task.
    awaiter operator co_await() && noexcept { return {handle_}; }

    // For those who drive a task by hand (scope, tests): the frame, which the caller must destroy.
    [[nodiscard]] std::coroutine_handle<promise_type> release() noexcept { return std::exchange(handle_, nullptr); }

private:
    std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T> task<T> promise<T>::get_return_object() noexcept
{
    return task<T>(std::coroutine_handle<promise<T>>::from_promise(*this));
}
inline task<void> promise<void>::get_return_object() noexcept
{
    return task<void>(std::coroutine_handle<promise<void>>::from_promise(*this));
}
} // namespace detail

} // namespace sluice

#pragma GCC visibility pop

// eventual<T>: a value that is there already, or a task that will give it.
//
//     eventual<result<user>> find(uuid id)
//     {
//         if (auto known = here(id)) return *std::move(known);
//         return load(id);
//     }
//
// For what is usually known at once: awaiting it then costs neither a coroutine frame nor a suspension. It is awaited
// like a task: once, in the expression that makes it. Thread: a shard's.
#pragma once

#include <sluice/coro/task.hpp>

#include <coroutine>
#include <optional>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

template <class T> class [[nodiscard]] eventual
{
public:
    using value_type = T;

    eventual(T now) : now_(std::move(now)) {}
    eventual(task<T>&& later) noexcept : later_(later.release()) {}
    eventual(const eventual&) = delete;
    eventual& operator=(const eventual&) = delete;
    ~eventual()
    {
        if (later_) later_.destroy();
    }

    [[nodiscard]] bool await_ready() const noexcept { return !later_; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept
    {
        later_.promise().continue_with(awaiting);
        return later_;
    }
    T await_resume() { return later_ ? later_.promise().take() : *std::move(now_); }

private:
    std::optional<T> now_;
    std::coroutine_handle<typename task<T>::promise_type> later_;
};

} // namespace sluice

#pragma GCC visibility pop

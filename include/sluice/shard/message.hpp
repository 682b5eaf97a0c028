// Messages from shard to shard, and calls made of them: the only way in which shards touch each other.
//
//     std::size_t size = co_await on_shard(home, [key] { return table().count(key); });
//
// Each pair of shards has a bounded queue with one producer and one consumer; one IORING_OP_MSG_RING a turn wakes the
// receiver for however many messages there are. A message belongs to its sender and lives until it has run; when a
// queue is full it waits with its sender, in order, so nothing is lost and nothing is allocated.
//
// A call always comes back: it cannot be given up half-way, so what it runs must be short, or a task with a deadline.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/core/turn_watch.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/coro/scope.hpp>
#include <sluice/coro/task.hpp>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

struct message
{
    using function = void (*)(message&);
    explicit message(function f) noexcept : run(f) {}
    function run; // on the receiving shard
    message* next = nullptr;
};

namespace detail {

// Sends from the current shard; wakes the receiver at the end of the turn.
void send_message(unsigned to, message& m) noexcept;
[[nodiscard]] unsigned current_shard() noexcept;
[[nodiscard]] scope& background_of_current_shard() noexcept;

template <class T> struct unwrap_task
{
    using type = T;
    static constexpr bool is_task = false;
};
template <class T> struct unwrap_task<task<T>>
{
    using type = T;
    static constexpr bool is_task = true;
};

// The caller's frame owns it: out, run there, back, run here.
template <class F> class shard_call final : message
{
    using returned = unwrap_task<std::invoke_result_t<F&>>;
    using value = typename returned::type;
    using stored = std::conditional_t<std::is_void_v<value>, bool, value>;

public:
    shard_call(unsigned target, F& work) noexcept
        : message(&arrive), work_(work), target_(target), home_(current_shard())
    {
        if (const context* current = context::current()) {
            context_.trace = current->trace;
            context_.trace_state = current->trace_state;
            context_.deadline = current->deadline;
            context_.task = current->task;
            context_.debug = current->debug;
            context_.redis_waited = current->redis_waited;
        }
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept
    {
        waiter_.suspend(handle);
        send_message(target_, *this);
    }
    value await_resume()
    {
        if (context* current = context::current()) {
            current->stages.absorb(context_.stages, steady_clock::now());
            current->redis_waited = std::max(current->redis_waited, context_.redis_waited);
        }
        if constexpr (!std::is_void_v<value>) return *std::move(value_);
    }

private:
    static void arrive(message& m)
    {
        auto& self = static_cast<shard_call&>(m);
        if constexpr (returned::is_task) {
            background_of_current_shard().spawn(self.perform(), &self.context_);
        } else {
            if (!self.context_.task.empty()) turn_watch::current().runs_for(self.context_);
            context* before = context::exchange_current(&self.context_);
            if constexpr (std::is_void_v<value>)
                self.work_();
            else
                self.value_.emplace(self.work_());
            context::exchange_current(before);
            self.send_back();
        }
    }
    task<void> perform()
    {
        if constexpr (std::is_void_v<value>)
            co_await work_();
        else
            value_.emplace(co_await work_());
        send_back();
    }
    void send_back() noexcept
    {
        run = [](message& m) { static_cast<shard_call&>(m).waiter_.wake(); };
        send_message(home_, *this);
    }

    F& work_;
    unsigned target_;
    unsigned home_;
    context context_; // of its own: the caller's stop source is not to be touched from another thread
    std::optional<stored> value_;
    resumption waiter_;
};

} // namespace detail

// Runs `work` on a shard and brings back what it returns. `work` is a function or returns a task; it must not refer to
// anything that belongs to this shard. The request's trace and deadline go with it.
template <class F>
[[nodiscard]] auto on_shard(unsigned target, F work)
    -> task<typename detail::unwrap_task<std::invoke_result_t<F&>>::type>
{
    if (target == detail::current_shard()) {
        if constexpr (detail::unwrap_task<std::invoke_result_t<F&>>::is_task)
            co_return co_await work();
        else
            co_return work();
    }
    detail::shard_call<F> call(target, work);
    co_return co_await call;
}

} // namespace sluice

#pragma GCC visibility pop

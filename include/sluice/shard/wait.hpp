// wait: a coroutine's wait for something that may not come in time.
//
// Every wait on a shard ends by what was awaited, by the request's deadline, or because nobody wants the answer any
// more. A wait object has one waiter; whoever brings what is awaited calls complete(). It lives in the operation that
// completes it, or in the coroutine's frame if that always outlives the operation.
//
//     switch (co_await something.wait()) { case wait_end::completed: … }
//
// Thread: a shard's.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/shard/timer.hpp>

#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {

enum class wait_end : std::uint8_t
{
    pending,
    completed,
    timeout,   // the request's deadline, or the wait's own, has passed
    cancelled, // the request's context was stopped
};

class wait : timer, stop_callback
{
public:
    wait() noexcept : timer(&wait::time_is_up), stop_callback(&wait::stopped) {}
    ~wait();

    // What was awaited is here. May come before the wait begins; only the first end counts.
    void complete() noexcept { end(wait_end::completed); }
    [[nodiscard]] wait_end ended() const noexcept { return end_; }

    struct awaiter
    {
        wait& of;
        time_point limit;
        bool await_ready() const noexcept { return of.end_ != wait_end::pending; }
        bool await_suspend(std::coroutine_handle<> handle) const { return of.begin(handle, limit); }
        wait_end await_resume() const noexcept { return of.end_; }
    };
    // Until completed, at most until `limit`, the context's deadline or its stop.
    [[nodiscard]] awaiter until(time_point limit = never) noexcept { return {*this, limit}; }

private:
    bool begin(std::coroutine_handle<> handle, time_point limit);
    void end(wait_end how) noexcept;
    static void time_is_up(timer& t);
    static void stopped(stop_callback& c);

    resumption waiter_;
    wait_end end_ = wait_end::pending;
};

// The error of a wait that did not complete.
[[nodiscard]] inline std::unexpected<error> fail(wait_end how)
{
    return how == wait_end::timeout ? fail(errc::timeout, "The deadline passed")
                                    : fail(errc::cancelled, "The request was cancelled");
}

} // namespace sluice

#pragma GCC visibility pop

// event: something that happens once, or until it is reset, and that any number of coroutines wait for.
//
// set() releases all who wait, in the order in which they came, and everyone who comes later until reset(). Who was
// released runs on in the next turn even if it is reset meanwhile. Nobody may wait when it dies (asserted). It knows
// neither deadlines nor cancellation: wait only for what is sure to happen. Thread: one shard's.
#pragma once

#include <sluice/core/intrusive_list.hpp>
#include <sluice/coro/executor.hpp>

#pragma GCC visibility push(default)

namespace sluice {

class event
{
public:
    class awaiter : public list_node<event>
    {
    public:
        bool await_ready() const noexcept { return of_.set_; }
        void await_suspend(std::coroutine_handle<> handle) noexcept
        {
            resumption_.suspend(handle);
            of_.waiters_.push_back(*this);
        }
        void await_resume() const noexcept {}

    private:
        friend event;
        explicit awaiter(event& of) noexcept : of_(of) {}
        event& of_;
        resumption resumption_;
    };

    void set() noexcept
    {
        set_ = true;
        while (!waiters_.empty()) waiters_.pop_front().resumption_.wake();
    }
    void reset() noexcept { set_ = false; }
    [[nodiscard]] awaiter wait() noexcept { return awaiter(*this); }

private:
    bool set_ = false;
    intrusive_list<awaiter, event> waiters_;
};

} // namespace sluice

#pragma GCC visibility pop

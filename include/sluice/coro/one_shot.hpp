// one_shot<T>: an answer on its way from the one who gives it to the one coroutine that waits for it.
//
// The problem: who waits may leave before the answer comes, since its request was cancelled or its deadline passed,
// while the other side (a database connection, a pool thread's completion, the kernel) still holds the operation and
// will answer. The answer: the one_shot belongs to the operation, not to the waiter. The first result counts: the
// producer's, a timer's (`set(fail(errc::timeout))`), or errc::cancelled when the waiter's context is asked to stop.
// set() says whether it was the first; what comes later is dropped, and abandoned() says that nobody will take it.
//
// It must stay until its waiter has run on. Thread: one shard's.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/core/error.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/coro/stop.hpp>

#include <optional>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

template <class T> class one_shot
{
public:
    class awaiter : stop_callback
    {
    public:
        bool await_ready() const noexcept { return of_.outcome_.has_value(); }
        void await_suspend(std::coroutine_handle<> handle) noexcept
        {
            SLUICE_ASSERT(of_.waiter_ == nullptr);
            of_.waiter_ = this;
            resumption_.suspend(handle);
            const context* current = context::current();
            if (current != nullptr && current->stop != nullptr) current->stop->add(*this);
        }
        result<T> await_resume() noexcept { return std::move(*of_.outcome_); }

    private:
        friend one_shot;
        explicit awaiter(one_shot& of) noexcept : stop_callback(&stopped), of_(of) {}
        static void stopped(stop_callback& self)
        {
            one_shot& of = static_cast<awaiter&>(self).of_;
            of.abandoned_ = of.set(fail(errc::cancelled));
        }
        one_shot& of_;
        resumption resumption_;
    };

    one_shot() noexcept = default;
    one_shot(const one_shot&) = delete;
    one_shot& operator=(const one_shot&) = delete;

    // True if this was the first result: the waiter gets it. False: it was dropped.
    bool set(result<T> outcome)
    {
        if (outcome_.has_value()) return false;
        outcome_.emplace(std::move(outcome));
        if (awaiter* waiter = std::exchange(waiter_, nullptr)) {
            waiter->unlink();
            waiter->resumption_.wake();
        }
        return true;
    }
    // Did the waiter leave, its request cancelled, before there was a result?
    [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }
    // One waiter, once.
    [[nodiscard]] awaiter wait() noexcept { return awaiter(*this); }

private:
    std::optional<result<T>> outcome_;
    awaiter* waiter_ = nullptr;
    bool abandoned_ = false;
};

} // namespace sluice

#pragma GCC visibility pop

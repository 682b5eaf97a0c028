// semaphore: lets a bounded number in at a time, and lets a bounded number wait, first come, first served.
//
// For what there is little of: a pool's connections, large transfers. acquire() gives a permit, which is given back
// when it dies. At the bound of waiters the answer is errc::unavailable at once; a waiter whose context is asked to
// stop gets errc::cancelled. A permit that is given back goes to the first waiter, so nobody can overtake. Thread: one
// shard's.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/coro/stop.hpp>

#include <cstddef>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

struct semaphore_options
{
    std::size_t permits = 1;
    std::size_t waiters_max = 1024;
};

class semaphore
{
public:
    class permit
    {
    public:
        permit() noexcept = default;
        permit(permit&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
        permit& operator=(permit&& other) noexcept
        {
            std::swap(of_, other.of_);
            return *this;
        }
        ~permit() { release(); }
        explicit operator bool() const noexcept { return of_ != nullptr; }
        void release() noexcept
        {
            if (of_ != nullptr) std::exchange(of_, nullptr)->give_back();
        }

    private:
        friend semaphore;
        explicit permit(semaphore& of) noexcept : of_(&of) {}
        semaphore* of_ = nullptr;
    };

    class awaiter : list_node<semaphore>, stop_callback
    {
    public:
        bool await_ready() noexcept
        {
            if (of_.free_ > 0) {
                --of_.free_;
                outcome_ = permit(of_);
            } else if (of_.waiting_ == of_.options_.waiters_max) {
                outcome_ = fail(errc::unavailable);
            } else {
                return false;
            }
            return true;
        }
        void await_suspend(std::coroutine_handle<> handle) noexcept
        {
            resumption_.suspend(handle);
            of_.waiters_.push_back(*this);
            ++of_.waiting_;
            const context* current = context::current();
            if (current != nullptr && current->stop != nullptr) current->stop->add(*this);
        }
        result<permit> await_resume() noexcept { return std::move(outcome_); }

    private:
        friend semaphore;
        template <class, class> friend class intrusive_list;
        explicit awaiter(semaphore& of) noexcept : stop_callback(&stopped), of_(of) {}
        static void stopped(stop_callback& self) { static_cast<awaiter&>(self).leave(fail(errc::cancelled)); }
        void leave(result<permit> outcome) noexcept
        {
            list_node<semaphore>::unlink();
            stop_callback::unlink();
            --of_.waiting_;
            outcome_ = std::move(outcome);
            resumption_.wake();
        }
        semaphore& of_;
        resumption resumption_;
        result<permit> outcome_;
    };

    explicit semaphore(semaphore_options options) noexcept : options_(options), free_(options.permits) {}
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;
    ~semaphore() { SLUICE_ASSERT(free_ == options_.permits); }

    [[nodiscard]] awaiter acquire() noexcept { return awaiter(*this); }
    [[nodiscard]] std::size_t free() const noexcept { return free_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

private:
    void give_back() noexcept
    {
        if (waiters_.empty())
            ++free_;
        else
            waiters_.front().leave(permit(*this));
    }
    semaphore_options options_;
    std::size_t free_;
    std::size_t waiting_ = 0;
    intrusive_list<awaiter, semaphore> waiters_;
};

} // namespace sluice

#pragma GCC visibility pop

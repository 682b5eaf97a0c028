// gate: counts who is inside, and closes behind the last one.
//
// What can be stopped holds a gate: operations enter, close() refuses newcomers and waits for those inside. The
// destructor asserts that nobody is. Thread: one shard's.
#pragma once

#include <sluice/core/assert.hpp>
#include <sluice/coro/executor.hpp>

#include <cstddef>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

class gate
{
public:
    class holder
    {
    public:
        holder() noexcept = default;
        holder(holder&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        holder& operator=(holder&& other) noexcept
        {
            std::swap(gate_, other.gate_);
            return *this;
        }
        ~holder()
        {
            if (gate_ != nullptr) gate_->leave();
        }
        // Is it inside? False if the gate was closed.
        explicit operator bool() const noexcept { return gate_ != nullptr; }

    private:
        friend gate;
        explicit holder(gate& g) noexcept : gate_(&g) { ++g.inside_; }
        gate* gate_ = nullptr;
    };

    gate() noexcept = default;
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;
    ~gate() { SLUICE_ASSERT(inside_ == 0); }

    [[nodiscard]] holder enter() noexcept { return closed_ ? holder() : holder(*this); }
    [[nodiscard]] std::size_t inside() const noexcept { return inside_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }

    struct close_awaiter
    {
        gate& of;
        bool await_ready() const noexcept { return of.inside_ == 0; }
        void await_suspend(std::coroutine_handle<> handle) const noexcept { of.closer_.suspend(handle); }
        void await_resume() const noexcept {}
    };
    // Refuses newcomers from now on; `co_await` it to wait for those inside. One waiter.
    [[nodiscard]] close_awaiter close() noexcept
    {
        closed_ = true;
        return {*this};
    }

private:
    void leave() noexcept
    {
        if (--inside_ == 0 && closer_.suspended()) closer_.wake();
    }
    std::size_t inside_ = 0;
    bool closed_ = false;
    resumption closer_;
};

} // namespace sluice

#pragma GCC visibility pop

// turn_watch: what took longest in a turn of this thread's loop: whom it was for, or which function it was.
//
// The problem: a turn that took too long is seen when it is over, and by then nobody knows what ran. The answer: the
// turn is cut into pieces, one for each callback of the loop and one more wherever it turns to another request;
// the longest is kept with its trace. A piece costs one reading of the processor's counter and a copy of a few words.
// Thread: each has its own.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/core/thread_local.hpp>

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

class turn_watch
{
public:
    struct piece
    {
        std::uint64_t ticks = 0; // of a counter that runs evenly: compare it with the turn's
        trace_context trace = {};
        std::string_view task = {}; // a request's route, what a background task does, or the function called
    };

    [[nodiscard]] static turn_watch& current() noexcept;

    void begin_turn() noexcept
    {
        longest_ = {};
        now_ = {.ticks = ticks()};
        turn_began_ = now_.ticks;
    }
    // What runs from the last cut on is for this request.
    void runs_for(const context& request) noexcept
    {
        now_.trace = request.trace;
        now_.task = request.task;
    }
    // What ran before ends here, and what runs from now on is for this request.
    void turns_to(const context& request) noexcept
    {
        cut();
        runs_for(request);
    }
    // What runs from the last cut on is that function, called by the loop; the name must stay.
    void runs(std::string_view function) noexcept { now_.task = function; }
    void cut() noexcept
    {
        const std::uint64_t now = ticks();
        now_.ticks = now - now_.ticks;
        if (now_.ticks > longest_.ticks) longest_ = now_;
        now_ = {.ticks = now};
    }

    [[nodiscard]] const piece& longest() const noexcept { return longest_; }
    [[nodiscard]] std::uint64_t turn_ticks() const noexcept { return ticks() - turn_began_; }

private:
    [[nodiscard]] static std::uint64_t ticks() noexcept
    {
#if defined(__x86_64__)
        return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
        std::uint64_t value = 0;
        asm volatile("mrs %0, cntvct_el0" : "=r"(value));
        return value;
#else
        return static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count());
#endif
    }

    piece longest_;
    piece now_; // ticks: when it began
    std::uint64_t turn_began_ = 0;
};

namespace detail {
SLUICE_THREAD_LOCAL inline thread_local turn_watch current_turn_watch = {};
}

inline turn_watch& turn_watch::current() noexcept { return detail::current_turn_watch; }

} // namespace sluice

#pragma GCC visibility pop

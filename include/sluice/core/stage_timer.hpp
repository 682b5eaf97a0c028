// stage_timer: the time while it lives counts for one stage of the current request.
//
//     const stage_timer waiting(stage::query);
//     auto rows = co_await …;
//
// Outside any request it does nothing. It may live across waits, as the request's context does. It costs two readings
// of the clock, so it stands where something is waited for and not where an answer lies ready. Thread: a shard's.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/context.hpp>

#pragma GCC visibility push(default)

namespace sluice {

class stage_timer
{
public:
    explicit stage_timer(stage s, context* of = context::current()) noexcept : request_(of), stage_(s)
    {
        if (request_ != nullptr) request_->stages.enter(s, steady_clock::now());
    }
    ~stage_timer() { stop(); }
    stage_timer(const stage_timer&) = delete;
    stage_timer& operator=(const stage_timer&) = delete;

    // Ahead of its end.
    void stop() noexcept
    {
        if (request_ != nullptr) request_->stages.leave(stage_, steady_clock::now());
        request_ = nullptr;
    }

private:
    context* request_;
    stage stage_;
};

} // namespace sluice

#pragma GCC visibility pop

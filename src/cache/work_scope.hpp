// What a load or a deletion is while it runs: a context of its own, since it outlives the request that began it, within
// that request's trace. Where somebody keeps traces it is a span there, with what it did below it.
//
// Lives in its coroutine, in the shard's background. Thread: that shard's.
#pragma once

#include "cache/packet.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/span.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/timer.hpp>

#include <algorithm>
#include <memory>
#include <string_view>

namespace sluice::cache {

class work_scope
{
public:
    work_scope(shard& here, std::string_view name, const requester& by, duration timeout);
    ~work_scope();
    work_scope(const work_scope&) = delete;
    work_scope& operator=(const work_scope&) = delete;

    [[nodiscard]] time_point began() const noexcept { return began_; }
    [[nodiscard]] stage_times spent() noexcept;
    void failed() noexcept { failed_ = true; }
    // What it waits for next it waits for until then, or until hurry() says; the whole has its own deadline.
    void begin_hurry(time_point until) noexcept { own_.deadline = std::min(until, deadline_); }
    void hurry(time_point until) noexcept { here_.timers().arm(hurry_, until); }
    void end_hurry() noexcept;

private:
    void stop() { stop_.request(); }

    shard& here_;
    std::string_view name_;
    pooled_string trace_state_; // a flight ends before its load does
    context own_;
    time_point began_;
    time_point deadline_;
    std::unique_ptr<span_log> spans_;
    stop_source stop_;
    bound<stop_callback, &work_scope::stop> shard_ends_{*this};
    bound<timer, &work_scope::stop> hurry_{*this};
    bool failed_ = false;
};

} // namespace sluice::cache

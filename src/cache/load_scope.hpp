// What a load is while it runs: a context of its own, since it outlives the request that began it, within that
// request's trace. Where somebody keeps traces it is a span there, with what it did below it.
//
// Lives in a load's coroutine, in the shard's background. Thread: that shard's.
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

namespace sluice::cache {

class load_scope
{
public:
    load_scope(shard& here, const flight& of, duration timeout);
    ~load_scope();
    load_scope(const load_scope&) = delete;
    load_scope& operator=(const load_scope&) = delete;

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
    pooled_string trace_state_; // the flight ends before its load does
    context own_;
    time_point began_;
    time_point deadline_;
    std::unique_ptr<span_log> spans_;
    stop_source stop_;
    bound<stop_callback, &load_scope::stop> shard_ends_{*this};
    bound<timer, &load_scope::stop> hurry_{*this};
    bool failed_ = false;
};

} // namespace sluice::cache

// What a load is while it runs: a context of its own, since it outlives the request that began it, within that
// request's trace. Where somebody keeps traces it is a span there, with what it did below it.
//
// Lives in a load's coroutine, in the shard's background. Thread: that shard's.
#pragma once

#include "cache/packet.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/span.hpp>
#include <sluice/shard/shard.hpp>

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
    // What it waits for next it waits for until then; the whole has its own deadline.
    void hurry(time_point until) noexcept { own_.deadline = std::min(until, deadline_); }

private:
    pooled_string trace_state_; // the flight ends before its load does
    context own_;
    time_point began_;
    time_point deadline_;
    std::unique_ptr<span_log> spans_;
    bool failed_ = false;
};

} // namespace sluice::cache

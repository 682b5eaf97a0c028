#include "cache/work_scope.hpp"

namespace sluice::cache {

work_scope::work_scope(shard& here, std::string_view name, const requester& by, duration timeout)
    : here_(here), name_(name), trace_state_(by.trace_state), began_(steady_clock::now()), deadline_(began_ + timeout)
{
    own_.trace = by.trace;
    own_.trace_state = trace_state_;
    own_.task = by.task;
    own_.debug = by.debug;
    own_.deadline = deadline_;
    own_.stop = &stop_;
    here.background().stop().add(shard_ends_);
    own_.stages.begin(began_);
    if (span_sink::current() != nullptr && by.trace.trace_id != trace_context().trace_id) {
        own_.trace = by.trace.child();
        own_.trace.parent_id = by.trace.span_id;
        spans_ = std::make_unique<span_log>();
        own_.spans = spans_.get();
    }
    context::exchange_current(&own_);
}

work_scope::~work_scope()
{
    context::exchange_current(nullptr);
    shard_ends_.unlink();
    if (hurry_.armed()) here_.timers().cancel(hurry_);
    span_sink* const sink = span_sink::current();
    if (spans_ == nullptr || sink == nullptr) return;
    span_record itself;
    itself.name = name_;
    itself.begin = began_;
    itself.end = steady_clock::now();
    itself.failed = failed_;
    sink->take({.trace = own_.trace, .trace_state = trace_state_, .request = itself, .spans = *spans_});
}

void work_scope::end_hurry() noexcept
{
    own_.deadline = deadline_;
    if (hurry_.armed()) here_.timers().cancel(hurry_);
    if (!here_.background().stop().requested()) stop_.reset();
}

stage_times work_scope::spent() noexcept
{
    own_.stages.charge(steady_clock::now());
    return own_.stages;
}

} // namespace sluice::cache

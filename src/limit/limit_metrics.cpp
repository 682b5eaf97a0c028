// What a limiter counts, as metrics of its shard.
#include "limit/limiter_state.hpp"

#include <sluice/telemetry/metric_table.hpp>

namespace sluice::limit {

namespace {

constexpr metric_family decisions = {"sluice_rate_limit_decisions_total", "Decisions about requests, by outcome.",
                                     metric_kind::counter};
constexpr metric_family sources = {"sluice_rate_limit_sources_total",
                                   "Who was asked for decisions: a lease, a refusal remembered, Redis, the shard that "
                                   "counts for the key. Where Redis did not answer another one was, too.",
                                   metric_kind::counter};
constexpr metric_family alone = {"sluice_rate_limit_alone_total",
                                 "Requests decided without Redis although it is there, by why.", metric_kind::counter};
constexpr metric_family outages = {"sluice_rate_limit_redis_outages_total",
                                   "How often the process went over to what holds without Redis.",
                                   metric_kind::counter};
constexpr metric_family away = {"sluice_rate_limit_without_redis", "1 while Redis does not answer.",
                                metric_kind::maximum};
constexpr metric_family evicted = {"sluice_rate_limit_evicted_total",
                                   "Counts of clients that were given up for want of room.", metric_kind::counter};

} // namespace

void limiter_state::expose(metric_set& in) const
{
    using enum metric_kind;
    static constexpr counted<counts> shown[] = {
        {decisions, &counts::passed, {"outcome", "passed"}},
        {decisions, &counts::refused, {"outcome", "refused"}},
        {decisions, &counts::unanswered, {"outcome", "unanswered"}},
        {sources, &counts::asked_redis, {"source", "redis"}},
        {sources, &counts::asked_home, {"source", "home"}},
        {alone, &counts::crowded, {"why", "crowded"}},
        {alone, &counts::spent, {"why", "spent"}},
        {{"sluice_rate_limit_unreadable_total", "Values in Redis that were no counts and were written over.", counter},
         &counts::unreadable},
        {{"sluice_rate_limit_redis_failures_total", "Answers of Redis that did not come.", counter}, &counts::failures},
    };
    const std::string& name = of.in_force().name;
    const place& here = shared_.at(shard_.index());
    show(in, shown, counters_, {"limit", name});
    in.read(sources, {{"limit", name}, {"source", "lease"}}, here.memory.leased());
    in.read(sources, {{"limit", name}, {"source", "memory"}}, here.memory.refused());
    in.read(evicted, {{"limit", name}}, here.counters.evicted());
    if (shard_.index() == 0) // what all share is counted once
        in.read(outages, {{"limit", name}}, [&shared = shared_] { return static_cast<double>(shared.outages()); });
    in.read(away, {{"limit", name}}, [&shared = shared_] { return shared.failing() ? 1.0 : 0.0; });
}

} // namespace sluice::limit

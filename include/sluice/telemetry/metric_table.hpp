// What a part counts, as metrics: a table with a line for each number.
//
//     struct lookup_counters { event_count hits, misses; published<bool> away; };
//
//     constexpr counted<lookup_counters> shown[] = {
//         {{"lookups_total", "Look-ups, by outcome.", metric_kind::counter}, &lookup_counters::hits, {"outcome",
//         "hit"}},
//         {{"lookup_away", "1 while nothing can be looked up.", metric_kind::maximum}, &lookup_counters::away},
//     };
//     show(metrics, shown, counters_);
//
// The table has static storage duration, as a metric_family must; the counters outlive every scrape, which reads them
// on a thread of its own. It does not count.
#pragma once

#include <sluice/core/published.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <cstddef>
#include <variant>

#pragma GCC visibility push(default)

namespace sluice {

template <class Counters> struct counted
{
    metric_family family;
    std::variant<event_count Counters::*, published<unsigned> Counters::*, published<bool> Counters::*> number;
    metric_label label = {}; // what tells it from others of its family
};

// `of`: what tells these counters from those of others of their kind.
template <class Counters, std::size_t n>
void show(metric_set& in, const counted<Counters> (&table)[n], const Counters& counters, metric_label of = {})
{
    for (const counted<Counters>& one : table) {
        const auto read = [&](auto number) {
            in.read(one.family, {of, one.label},
                    [&counters, number] { return static_cast<double>((counters.*number).read()); });
        };
        std::visit(read, one.number);
    }
}

} // namespace sluice

#pragma GCC visibility pop

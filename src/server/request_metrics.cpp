#include "server/request_metrics.hpp"

#include "server/shard_server.hpp"

#include <sluice/route/route.hpp>
#include <sluice/shard/shard.hpp>

#include <string>

namespace sluice {
namespace {

constexpr metric_family request_duration = {
    "http_server_request_duration_seconds",
    "From the complete head of a request to the last byte of its answer handed over.", metric_kind::histogram};
constexpr metric_family active_requests = {"http_server_active_requests", "Requests under way.", metric_kind::gauge};
constexpr metric_family open_connections = {"sluice_connections", "Open connections.", metric_kind::gauge};
constexpr metric_family accepted = {"sluice_connections_accepted_total", "Connections accepted.", metric_kind::counter};
constexpr metric_family accept_pauses = {
    "sluice_accept_pauses_total",
    "Times that accepting paused for want of descriptors, memory or room below the limit.", metric_kind::counter};
constexpr metric_family turns = {"sluice_shard_turn_duration_seconds",
                                 "Turns of a shard's loop, from the end of its wait to the next.",
                                 metric_kind::histogram};
constexpr metric_family longest_turn = {"sluice_shard_longest_turn_seconds", "The longest turn since the start.",
                                        metric_kind::maximum};
constexpr metric_family stalls = {"sluice_shard_stalls_total", "Turns of more than 50 ms.", metric_kind::counter};
constexpr metric_family sleeps = {"sluice_shard_sleeps_total", "Turns that slept until something came.",
                                  metric_kind::counter};
constexpr metric_family polls = {"sluice_shard_polls_total", "Looks for completions before sleeping.",
                                 metric_kind::counter};
constexpr metric_family messages = {"sluice_shard_messages_total", "Messages sent to other shards.",
                                    metric_kind::counter};
constexpr metric_family enters = {"sluice_ring_enters_total", "Calls of io_uring_enter.", metric_kind::counter};
constexpr metric_family submitted = {"sluice_ring_submitted_total", "Operations submitted.", metric_kind::counter};
constexpr metric_family completions = {"sluice_ring_completions_total", "Completions taken.", metric_kind::counter};
constexpr metric_family no_buffers = {"sluice_ring_no_buffers_total",
                                      "Receives that ended for want of a buffer (ENOBUFS).", metric_kind::counter};
constexpr metric_family overflows = {"sluice_ring_overflows_total",
                                     "Times that completions had no room in their queue.", metric_kind::counter};
constexpr metric_family stale = {"sluice_ring_stale_total", "Completions of operations that had been abandoned.",
                                 metric_kind::counter};
constexpr metric_family buffers_free = {"sluice_ring_buffers_free", "Provided buffers left for receives.",
                                        metric_kind::gauge};

constexpr metric_family series_refused = {"sluice_metrics_series_refused_total",
                                          "Series that found no room among those of their shard.",
                                          metric_kind::counter};

// Each shard's load is to be seen by itself; what only adds up is not labelled.
void read_loop(metric_set& into, const shard& here)
{
    into.read(series_refused, {}, [&into] { return static_cast<double>(into.refused()); });
    const std::string index = std::to_string(here.index());
    const metric_label which = {"shard", index};
    const shard_counters& loop = here.counters();
    into.histogram(turns, {which}, loop.turn);
    into.read(longest_turn, {which}, [&loop] { return static_cast<double>(loop.longest_turn_ns.read()) * 1e-9; });
    into.read(stalls, {which}, loop.stalls);
    into.read(sleeps, {which}, loop.sleeps);
    into.read(polls, {which}, loop.polls);
    into.read(messages, {which}, loop.messages);

    const sluice::ring& kernel = here.ring();
    const ring_counters& counted = kernel.counters();
    into.read(enters, {which}, counted.enters);
    into.read(submitted, {which}, counted.submitted);
    into.read(completions, {which}, counted.completions);
    into.read(no_buffers, {which}, counted.no_buffers);
    into.read(overflows, {which}, counted.overflows);
    into.read(stale, {which}, counted.stale);
    into.read(buffers_free, {which}, [&counted, all = static_cast<std::int64_t>(kernel.buffers())] {
        return static_cast<double>(all - counted.buffers_taken.read());
    });
}

} // namespace

request_metrics::request_metrics(metric_set& into, const shard& here, const server_counters& connections)
    : set_(into), active_(into.gauge(active_requests))
{
    read_loop(into, here);
    into.read(accepted, {}, connections.accepted);
    into.read(accept_pauses, {}, connections.accept_pauses);
    into.read(open_connections, {}, [&connections] {
        return static_cast<double>(connections.accepted.read()) - static_cast<double>(connections.closed.read());
    });
}

latency_histogram& request_metrics::add(const route* matched, http::method method, http::status status)
{
    const std::string code = std::to_string(static_cast<unsigned>(status));
    const std::string_view pattern = matched != nullptr ? matched->pattern() : std::string_view();
    const std::string_view verb = matched != nullptr ? name(method) : std::string_view("_OTHER");
    latency_histogram& took =
        set_.histogram(request_duration,
                       {{"http_request_method", verb}, {"http_route", pattern}, {"http_response_status_code", code}});
    const std::size_t first = place_of(matched, method, status);
    std::size_t free = 0;
    while (free < neighbours && table_[(first + free) % places].took != nullptr) ++free;
    table_[(first + free % neighbours) % places] = {matched, method, status, &took};
    return took;
}

} // namespace sluice

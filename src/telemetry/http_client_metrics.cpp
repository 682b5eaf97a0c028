#include <sluice/telemetry/http_client_metrics.hpp>
#include <sluice/telemetry/metric_table.hpp>

namespace sluice {
namespace {

using counters = http::client_counters;
using enum metric_kind;

// As OpenTelemetry's HTTP conventions call it.
constexpr metric_family connections = {"http_client_open_connections", "Connections, by state.", gauge};
constexpr metric_family duration_of_calls = {"http_client_request_duration_seconds",
                                             "From the call to its whole answer or its failure.", histogram};
constexpr metric_family errors = {"sluice_http_client_errors_total", "Calls without an answer, by why.", counter};

constexpr counted<counters> shown[] = {
    {connections, &counters::busy, {"http_connection_state", "active"}},
    {connections, &counters::idle, {"http_connection_state", "idle"}},
    {{"sluice_http_client_waiting", "Calls that wait for a connection.", gauge}, &counters::waiting},
    {{"sluice_http_client_calls_total", "Calls asked for.", counter}, &counters::calls},
    {{"sluice_http_client_answers_total", "Calls that were answered, whatever the status.", counter},
     &counters::answers},
    {errors, &counters::timeouts, {"why", "timeout"}},
    {errors, &counters::cancelled, {"why", "cancelled"}},
    {errors, &counters::refused, {"why", "refused"}},
    {errors, &counters::unreached, {"why", "unreached"}},
    {errors, &counters::lost, {"why", "lost"}},
    {{"sluice_http_client_reused_total", "Exchanges on a kept connection.", counter}, &counters::reused},
    {{"sluice_http_client_repeated_total", "Calls made once more, as a kept connection proved closed.", counter},
     &counters::repeated},
    {{"sluice_http_client_connects_total", "Connections made.", counter}, &counters::connects},
    {{"sluice_http_client_failed_connects_total", "Attempts to connect that failed.", counter},
     &counters::failed_connects},
};

} // namespace

void show_metrics(metric_set& in, const http::client& of, std::string_view name)
{
    in.histogram(duration_of_calls, {{"client", name}}, of.counters().took);
    show(in, shown, of.counters(), {"client", name});
}

} // namespace sluice

#include "redis/client_metrics.hpp"

#include <sluice/telemetry/database_metrics.hpp>
#include <sluice/telemetry/metric_table.hpp>

namespace sluice::redis {
namespace {

using enum metric_kind;

constexpr metric_family errors = {"sluice_redis_errors_total", "Commands without a good reply, by why.", counter};

constexpr counted<client_counters> of_commands[] = {
    {{"sluice_redis_in_flight", "Commands that wait or whose replies are awaited.", gauge},
     &client_counters::in_flight},
    {{"sluice_redis_commands_total", "Commands taken.", counter}, &client_counters::commands},
    {{"sluice_redis_flights_total", "Sends that carried them.", counter}, &client_counters::flights},
    {errors, &client_counters::timeouts, {"why", "timeout"}},
    {errors, &client_counters::refused, {"why", "refused"}},
    {errors, &client_counters::failures, {"why", "failure"}},
    {errors, &client_counters::unknown, {"why", "lost"}},
    {{"sluice_redis_script_reloads_total", "Scripts that Redis had forgotten.", counter},
     &client_counters::script_reloads},
};
constexpr counted<connection_counters> of_connection[] = {
    {{"sluice_redis_away", "1 while Redis does not answer.", maximum}, &connection_counters::away},
    {{"sluice_redis_connections", "Connections that are ready for commands.", gauge}, &connection_counters::greeted},
    {{"sluice_redis_connects_total", "Connections made.", counter}, &connection_counters::connects},
    {{"sluice_redis_failed_connects_total", "Attempts to connect that failed.", counter},
     &connection_counters::failed_connects},
    {{"sluice_redis_losses_total", "Connections that ended unasked.", counter}, &connection_counters::losses},
};

} // namespace

client_metrics::client_metrics(metric_set& into, const client_counters& commands, const connection_counters& connection)
    : set_(into)
{
    show(into, of_commands, commands);
    show(into, of_connection, connection);
}

latency_histogram& client_metrics::find(std::size_t command)
{
    const std::string_view name = command < commands_known ? name_of_command(command) : "other";
    return set_.histogram(database_metrics::operation_duration,
                          {{"db_system_name", "redis"}, {"db_operation_name", name}});
}

} // namespace sluice::redis

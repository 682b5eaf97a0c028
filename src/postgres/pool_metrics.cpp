#include "postgres/pool_metrics.hpp"

#include <sluice/telemetry/database_metrics.hpp>
#include <sluice/telemetry/metric_table.hpp>

namespace sluice::postgres {
namespace {

namespace names = database_metrics;

using enum metric_kind;

constexpr metric_label system = {"db_system_name", "postgresql"};
constexpr metric_label pool_name = {"db_client_connection_pool_name", "postgresql"}; // of all shards

constexpr counted<pool_counters> shown[] = {
    {names::waiting, &pool_counters::waiting, pool_name},
    {names::timeouts, &pool_counters::timeouts, pool_name},
    {{"sluice_postgres_away", "1 while the database cannot be reached.", maximum}, &pool_counters::away},
    {{"sluice_postgres_refuses_changes", "1 while the server only reads: it refused the last change.", maximum},
     &pool_counters::refuses_changes},
    {{"sluice_postgres_stalled", "Connections on which one statement runs long, so that no other gets behind it.",
      gauge},
     &pool_counters::stalled},
    {{"sluice_postgres_queries_total", "Statements asked for.", counter}, &pool_counters::queries},
    {{"sluice_postgres_statement_timeouts_total", "Statements whose answers did not come in time.", counter},
     &pool_counters::statement_timeouts},
    {{"sluice_postgres_refused_total", "Statements refused at the bound of waiters or while the database was away.",
      counter},
     &pool_counters::refused},
    {{"sluice_postgres_repeated_total", "Reads that ran again after a connection was lost.", counter},
     &pool_counters::repeated},
    {{"sluice_postgres_connects_total", "Connections made.", counter}, &pool_counters::connects},
    {{"sluice_postgres_failed_connects_total", "Attempts to connect that failed.", counter},
     &pool_counters::failed_connects},
    {{"sluice_postgres_losses_total", "Connections that ended unasked.", counter}, &pool_counters::losses},
    {{"sluice_postgres_cancels_total", "Statements whose cancelling was asked for.", counter}, &pool_counters::cancels},
    {{"sluice_postgres_moved_total", "Reads that ran on a second connection because the first stalled.", counter},
     &pool_counters::moved},
};
// By the first two characters of SQLSTATE, of which PostgreSQL has some forty.
constexpr metric_family errors = {"sluice_postgres_errors_total", "Failed statements by class of SQLSTATE.", counter};

} // namespace

pool_metrics::pool_metrics(metric_set& into, const pool_counters& numbers, const pool_options& options)
    : set_(into), wait_time_(into.histogram(names::wait_time, {pool_name})),
      create_time_(into.histogram(names::create_time, {pool_name})),
      use_time_(into.histogram(names::use_time, {pool_name}))
{
    into.read(names::connections, {pool_name, {"db_client_connection_state", "used"}},
              [&numbers] { return static_cast<double>(numbers.busy.read()); });
    into.read(names::connections, {pool_name, {"db_client_connection_state", "idle"}}, [&numbers] {
        return static_cast<double>(numbers.open.read()) - static_cast<double>(numbers.busy.read());
    });
    into.read(names::connections_max, {pool_name},
              [most = options.connections_max] { return static_cast<double>(most); });
    show(into, shown, numbers);
}

void pool_metrics::find(const statement& what)
{
    const std::string_view name = *what.name != '\0' ? what.name : "unnamed";
    latency_histogram& took = set_.histogram(names::operation_duration, {system, {"db_operation_name", name}});
    known_[place_of(what)] = {&what, &took};
}

void pool_metrics::failed(std::string_view sql_state_class) { ++set_.counter(errors, {{"class", sql_state_class}}); }

} // namespace sluice::postgres

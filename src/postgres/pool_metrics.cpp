#include "postgres/pool_metrics.hpp"

#include <sluice/telemetry/database_metrics.hpp>

namespace sluice::postgres {
namespace {

namespace names = database_metrics;

constexpr metric_family queries = {"sluice_postgres_queries_total", "Statements asked for.", metric_kind::counter};
constexpr metric_family refused = {"sluice_postgres_refused_total",
                                   "Statements refused at the bound of waiters or while the database was away.",
                                   metric_kind::counter};
constexpr metric_family repeated = {"sluice_postgres_repeated_total",
                                    "Reads that ran again after a connection was lost.", metric_kind::counter};
constexpr metric_family connects = {"sluice_postgres_connects_total", "Connections made.", metric_kind::counter};
constexpr metric_family failed_connects = {"sluice_postgres_failed_connects_total", "Attempts to connect that failed.",
                                           metric_kind::counter};
constexpr metric_family losses = {"sluice_postgres_losses_total", "Connections that ended unasked.",
                                  metric_kind::counter};
constexpr metric_family cancels = {"sluice_postgres_cancels_total", "Statements whose cancelling was asked for.",
                                   metric_kind::counter};
constexpr metric_family moved = {"sluice_postgres_moved_total",
                                 "Reads that ran on a second connection because the first stalled.",
                                 metric_kind::counter};
constexpr metric_family away = {"sluice_postgres_away", "1 while the database cannot be reached.",
                                metric_kind::maximum};
// By the first two characters of SQLSTATE, of which PostgreSQL has some forty.
constexpr metric_family errors = {"sluice_postgres_errors_total", "Failed statements by class of SQLSTATE.",
                                  metric_kind::counter};

constexpr metric_label system = {"db_system_name", "postgresql"};

} // namespace

pool_metrics::pool_metrics(metric_set& into, const pool_counters& counted, const pool_options& options) : set_(into)
{
    into.read(names::connections, {system, {"db_client_connection_state", "used"}},
              [&counted] { return static_cast<double>(counted.busy.read()); });
    into.read(names::connections, {system, {"db_client_connection_state", "idle"}}, [&counted] {
        return static_cast<double>(counted.open.read()) - static_cast<double>(counted.busy.read());
    });
    into.read(names::connections_max, {system}, [most = options.connections_max] { return static_cast<double>(most); });
    into.read(names::waiting, {system}, [&counted] { return static_cast<double>(counted.waiting.read()); });
    into.read(names::timeouts, {system}, counted.timeouts);
    into.read(away, {}, [&counted] { return counted.away ? 1.0 : 0.0; });
    into.read(queries, {}, counted.queries);
    into.read(refused, {}, counted.refused);
    into.read(repeated, {}, counted.repeated);
    into.read(connects, {}, counted.connects);
    into.read(failed_connects, {}, counted.failed_connects);
    into.read(losses, {}, counted.losses);
    into.read(cancels, {}, counted.cancels);
    into.read(moved, {}, counted.moved);
}

void pool_metrics::find(const statement& what)
{
    const std::string_view name = *what.name != '\0' ? what.name : "unnamed";
    latency_histogram& took = set_.histogram(names::operation_duration, {system, {"db_operation_name", name}});
    known_[place_of(what)] = {&what, &took};
}

void pool_metrics::failed(std::string_view sql_state_class) { ++set_.counter(errors, {{"class", sql_state_class}}); }

} // namespace sluice::postgres

// The names under which clients of databases show what they do: OpenTelemetry's database conventions
// (https://opentelemetry.io/docs/specs/semconv/database/database-metrics/) in their Prometheus form. Each client labels
// operations with its db_system_name and with a name that stands in the program (a statement's, a command's among those
// that are known, read or write), never with a query's text, and its connections with db_client_connection_pool_name.
#pragma once

#include <sluice/telemetry/metrics.hpp>

#pragma GCC visibility push(default)

namespace sluice::database_metrics {

inline constexpr metric_family operation_duration = {"db_client_operation_duration_seconds",
                                                     "From the call to the answer, waiting for a connection included.",
                                                     metric_kind::histogram};
// By db_client_connection_state: used (something is in flight on it) or idle.
inline constexpr metric_family connections = {"db_client_connection_count", "Open connections.", metric_kind::gauge};
inline constexpr metric_family connections_max = {"db_client_connection_max", "The most connections there may be.",
                                                  metric_kind::gauge};
inline constexpr metric_family waiting = {"db_client_connection_pending_requests", "What waits for a connection.",
                                          metric_kind::gauge};
inline constexpr metric_family wait_time = {"db_client_connection_wait_time_seconds",
                                            "How long what had to wait for a connection waited until it had one.",
                                            metric_kind::histogram};
inline constexpr metric_family create_time = {"db_client_connection_create_time_seconds",
                                              "From the first step of connecting until the connection was ready.",
                                              metric_kind::histogram};
inline constexpr metric_family use_time = {"db_client_connection_use_time_seconds",
                                           "How long a transaction had a connection for itself.",
                                           metric_kind::histogram};
inline constexpr metric_family timeouts = {"db_client_connection_timeouts_total",
                                           "Waits for a connection that none came to in time.", metric_kind::counter};

} // namespace sluice::database_metrics

#pragma GCC visibility pop

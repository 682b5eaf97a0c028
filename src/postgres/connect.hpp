// Making a connection, and cancelling what runs on one: what of libpq blocks, and so never runs on a shard.
//
// The problem: a host that takes a connection and says nothing, a route that drops packets or a name server that does
// not answer keeps libpq waiting for as long as its timeouts sum up to, host by host, and nothing interrupts it; a
// server that ends would wait as long. The answer: libpq makes a connection in a thread of its own, which is left alone
// with it when whoever wanted it is told to stop.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

struct pg_conn;
struct pg_result;
struct pg_cancel;

namespace sluice::postgres {

struct connection_closer
{
    void operator()(pg_conn* connection) const noexcept;
};
using connection_handle = std::unique_ptr<pg_conn, connection_closer>;
struct result_closer
{
    void operator()(pg_result* given) const noexcept;
};
using result_handle = std::unique_ptr<pg_result, result_closer>;

struct connect_request
{
    std::string url;  // a connection string or URI of libpq
    duration timeout; // for each host; libpq counts whole seconds, and at least two
    std::stop_token stop = {};
};

// Blocks, until it is told to stop. The error is for the operator: the client library's own words in one line, which
// never hold the password.
[[nodiscard]] result<connection_handle> connect(const connect_request& request);
// A statement of its first moments: the first value that it gives, empty where there is none. Blocks for as long as
// connecting may: a pooler that has no server takes the connection all the same, and keeps the statement.
[[nodiscard]] result<std::string> ask(pg_conn& connection, const char* statement, const connect_request& request);

// Is a server of that server_version_num new enough?
[[nodiscard]] result<void> accept_version(int version);

// What the URL asks of a server (target_session_attrs), as far as it may cease to be that.
enum class server_kind : std::uint8_t
{
    any,
    primary,
    read_write,
};
[[nodiscard]] server_kind wanted_kind(pg_conn& connection);
// Is it not of that kind any more? PostgreSQL tells of that by itself, but only with the answer to a statement;
// PgBouncer does not.
[[nodiscard]] bool is_left_for_another(const pg_conn& connection, server_kind wanted) noexcept;

// Which process of which server serves a connection.
struct back_end
{
    std::int32_t process = 0;      // 0: nobody knows, or it is a pooler's
    std::int64_t server_began = 0; // microseconds since 1970
};

// In pipeline mode, without blocking, and with what a statement that does nothing takes there and back. Blocks.
struct pipelined_connection
{
    connection_handle handle;
    duration took{}; // until it was ready
    duration round_trip{};
    duration statement_timeout{}; // the role's or the server's own; zero: none
    server_kind wanted = server_kind::any;
    back_end served_by = {};
};
// The same as `back_end::server_began`, in SQL.
inline constexpr const char* server_began = "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::int8";
// With `own_session` no pooler shares it, and it is told to acknowledge only what is durable.
[[nodiscard]] result<pipelined_connection> connect_pipelined(const connect_request& request, bool own_session);
// What tells a session of somebody else's so, for the transaction that it is run in.
[[nodiscard]] const char* to_be_durable() noexcept;
// What becomes of a notice, or a warning, that the server sends.
void note(const pg_result* notice);

// Asks the server to cancel what this connection runs, from a thread of its own, because a frozen server may keep that
// waiting without end. False where too many such threads wait already: try again later. It may come late, and then
// meets whatever the connection runs by that time.
[[nodiscard]] bool cancel_running(pg_conn& connection) noexcept;

} // namespace sluice::postgres

// What PostgreSQL says, as an error: its SQLSTATE decides the code, and nothing of its words reaches a client.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/postgres/parameters.hpp>
#include <sluice/postgres/statement.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct pg_conn;
struct pg_result;

namespace sluice::postgres {

inline constexpr std::string_view dependency = "postgres";

// The five characters of appendix A of PostgreSQL's manual; empty where the client library failed and not the server.
[[nodiscard]] std::string_view sql_state(const pg_result* failed) noexcept;

// What is true of an SQLSTATE.
namespace sql_states {
// The prepared form does not fit any more, is not there, or another has its name: preparing again mends it.
[[nodiscard]] bool stale(std::string_view state) noexcept;
[[nodiscard]] bool cancelled(std::string_view state) noexcept;
// The transaction met another one, and may succeed if all of it runs again.
[[nodiscard]] bool repeatable(std::string_view state) noexcept;
// The server only reads: it was the primary, and is no more.
[[nodiscard]] bool read_only(std::string_view state) noexcept;
} // namespace sql_states

// A warning: the commit waited for a standby, and does no more, since somebody cancelled that. It is called done.
[[nodiscard]] bool is_unreplicated(const pg_result* notice) noexcept;

// The session ends with this failure, and the statement's outcome is as open as that of a lost connection.
[[nodiscard]] bool ends_session(const pg_result* failed) noexcept;

// The failure of a statement; it is logged where it is a fault of the program.
[[nodiscard]] error statement_error(const pg_result* failed, const statement& of, const parameters& with);

// What may meet every request and is a fault of the program or of its operator: each shard tells of each once a second,
// and then how often it has not told of it. Nothing: it is not to be told now.
[[nodiscard]] std::optional<std::uint64_t> untold_if_due(std::string_view what);

// Errors of our own.
[[nodiscard]] error unavailable(std::string detail);
[[nodiscard]] error outcome_unknown();
[[nodiscard]] error not_replicated();
[[nodiscard]] error too_late(bool may_be_done);

// What the client library says of a connection, in one line.
[[nodiscard]] std::string message_of(const pg_conn* connection);

} // namespace sluice::postgres

#include "postgres/errors.hpp"

#include "postgres/refused_value.hpp"

#include <sluice/core/log.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <libpq-fe.h>
#include <string>
#include <utility>
#include <vector>

namespace sluice::postgres {

namespace {

std::string_view field(const pg_result* failed, int which) noexcept
{
    const char* text = PQresultErrorField(failed, which);
    return text == nullptr ? std::string_view() : text;
}

error make(errc code, std::string detail)
{
    return {.code = code, .detail = std::move(detail), .dependency = dependency};
}

struct complaint
{
    std::string what;
    time_point next{};
    std::uint64_t untold = 0;
};
constexpr duration complaint_pause = std::chrono::seconds(1);
constexpr std::size_t complaints_max = 64; // apart; all others are as one

error fault(const pg_result* failed, const statement& of)
{
    if (const auto untold = untold_if_due(of.name))
        log(log_level::error, "PostgreSQL refused a statement",
            {{"statement", of.name},
             {"sqlstate", sql_state(failed)},
             {"reason", field(failed, PG_DIAG_MESSAGE_PRIMARY)},
             {"untold", *untold}});
    return make(errc::internal, "The database refused a statement");
}

// A row that a policy forbids has the state of a right that is missing; only its place in PostgreSQL's source differs.
bool forbidden_by_policy(const pg_result* failed) noexcept
{
    return sql_state(failed) == "42501" && field(failed, PG_DIAG_SOURCE_FUNCTION) == "ExecWithCheckOptions";
}

} // namespace

std::string_view sql_state(const pg_result* failed) noexcept { return field(failed, PG_DIAG_SQLSTATE); }

bool sql_states::stale(std::string_view state) noexcept
{
    return state == "26000" || state == "0A000" || state == "42P05";
}
bool sql_states::cancelled(std::string_view state) noexcept { return state == "57014"; }
bool sql_states::repeatable(std::string_view state) noexcept { return state == "40001" || state == "40P01"; }
bool sql_states::read_only(std::string_view state) noexcept { return state == "25006"; }

bool is_unreplicated(const pg_result* notice) noexcept
{
    // Its words are the locale's, and its state is that of every warning.
    return field(notice, PG_DIAG_SOURCE_FUNCTION) == "SyncRepWaitForLSN";
}

bool ends_session(const pg_result* failed) noexcept
{
    std::string_view severity = field(failed, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity.empty()) severity = field(failed, PG_DIAG_SEVERITY); // PgBouncer's own words
    return severity == "FATAL" || severity == "PANIC" || sql_state(failed).starts_with("08");
}

error statement_error(const pg_result* failed, const statement& of, const parameters& with)
{
    const std::string_view state = sql_state(failed);
    const std::string_view group = state.substr(0, 2);
    if (state == "23505" || state == "23503" || state == "23P01") {
        error made = make(errc::conflict, "The change conflicts with stored data");
        made.constraint = field(failed, PG_DIAG_CONSTRAINT_NAME);
        return made;
    }
    // Beside what a type or a rule refuses: what is too large for an index or an array or too deep to be read, what a
    // view does not show, what a trigger raises and a policy of rows forbids.
    if (group == "22" || group == "23" || group == "44" || state == "54000" || state == "54001" || state == "P0001" ||
        forbidden_by_policy(failed))
        return refused_value(failed, with);
    if (sql_states::cancelled(state)) return unavailable("The database cancelled a statement");
    if (group == "40") return unavailable("The database could not make the change beside others");
    if (state == "55P03") return unavailable("The database has locked what was asked for");
    if (sql_states::read_only(state)) return unavailable("The database takes no changes");
    if (group == "08" || group == "53" || group == "57" || group == "58" || state.empty())
        return unavailable("The database cannot answer");
    // A right, a table or a schema that is missing: the operator's, who can mend it while the server runs.
    if (state == "42501" || state == "42P01" || state == "3F000") {
        fault(failed, of);
        return unavailable("The database lacks something that the server needs");
    }
    return fault(failed, of);
}

std::optional<std::uint64_t> untold_if_due(std::string_view what)
{
    static thread_local std::vector<complaint> complaints;
    auto mine = std::ranges::find(complaints, what, &complaint::what);
    if (mine == complaints.end()) {
        const bool room = complaints.size() < complaints_max;
        mine = room ? complaints.insert(mine, {.what = std::string(what)}) : complaints.end() - 1;
    }
    const time_point now = steady_clock::now();
    if (now < mine->next) {
        ++mine->untold;
        return std::nullopt;
    }
    mine->next = now + complaint_pause;
    return std::exchange(mine->untold, 0);
}

error unavailable(std::string detail)
{
    error made = make(errc::unavailable, std::move(detail));
    made.retry_after = std::chrono::seconds(1);
    return made;
}

error outcome_unknown()
{
    error made = make(errc::outcome_unknown, "The database went away; the change may or may not have been made");
    made.retry_after = std::chrono::seconds(1);
    return made;
}

error not_replicated()
{
    error made = make(errc::outcome_unknown, "No standby has confirmed it; the change may be lost when one takes over");
    made.retry_after = std::chrono::seconds(1);
    return made;
}

error too_late(bool may_be_done)
{
    return make(errc::timeout, may_be_done ? "The database did not answer in time; the change may still be made"
                                           : "The database did not answer in time");
}

std::string message_of(const pg_conn* connection)
{
    const char* text = PQerrorMessage(connection);
    std::string line;
    for (const char c : std::string_view(text == nullptr ? "" : text)) {
        if (c != '\n' && c != '\t') {
            line += c;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    while (line.ends_with(' ')) line.pop_back();
    return line;
}

} // namespace sluice::postgres

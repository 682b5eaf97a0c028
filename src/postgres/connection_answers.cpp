// What a result means for the query that it answers: is it its own, and may the query run again here?
#include "postgres/connection.hpp"
#include "postgres/errors.hpp"

#include <algorithm>
#include <chrono>
#include <libpq-fe.h>
#include <utility>

namespace sluice::postgres {

namespace {

constexpr duration cancelling_max = std::chrono::seconds(1); // a cancellation that met nothing by then never will
// Where any server will do, a connection that is younger is kept, however many changes it refuses.
constexpr duration refusing_for = std::chrono::seconds(5);

} // namespace

bool connection::cancelling() const noexcept { return cancels_ > 0 && cancelled_lately(); }
bool connection::cancelled_lately() const noexcept
{
    return cancelled_at_ && shard_.now() - *cancelled_at_ < cancelling_max;
}

// The protocol's way costs the server a process each time, and those of a whole second come at once where statements
// run out of time together. So it is taken only where the other is not there, or has not helped.
bool connection::cancel_head()
{
    const bool first = !cancelling_head_ && limits_.served_by.process != 0;
    return (first && owner_.cancel(limits_.served_by)) || cancel_running(*handle_);
}

void connection::await_cancelled()
{
    ++cancels_;
    cancelled_at_ = shard_.now();
    shard_.timers().arm(calm_, shard_.now() + cancelling_max);
}

// Whoever waits for that hears of it here: an idle connection reads nothing.
void connection::has_calmed()
{
    cancels_ = 0;
    owner_.has_room(*this);
}

// Was it the server's own timeout? Only the locale's words tell that from somebody's cancelling; but this takes its
// time. The server's begins a little before the answer to the statement before it comes here.
bool connection::ran_too_long(std::string_view state) const noexcept
{
    return sql_states::cancelled(state) && !cancelled_lately() && limits_.server_timeout > duration(0) &&
           shard_.now() - head_since_ > limits_.server_timeout * 3 / 4;
}

pipeline::answer connection::kind_of(const pg_result* result, query_run* of) const
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        return pipeline::answer::ok;
    case PGRES_PIPELINE_ABORTED:
        // A statement whose BEGIN failed must not run without it.
        return use_ == use::leased && !pipeline_.unprepared() ? pipeline::answer::failed : pipeline::answer::aborted;
    default:
        break;
    }
    const std::string_view state = sql_state(result);
    if (use_ == use::leased || of == nullptr) return pipeline::answer::failed;
    if (sql_states::stale(state)) return pipeline::answer::stale;
    if (ran_too_long(state)) return pipeline::answer::failed;
    if (sql_states::cancelled(state) && (cancelled_lately() || !std::exchange(of->cancelled_once, true)))
        return pipeline::answer::cancelled;
    return pipeline::answer::failed;
}

void connection::note_failure(query_run& q, std::string_view state)
{
    const bool cancelled = use_ == use::leased && sql_states::cancelled(state) && !ran_too_long(state);
    q.repeatable = sql_states::repeatable(state) || outdated(q, state) || (cancelled && cancelled_lately());
    q.cancelled_once = q.cancelled_once || (cancelled && !cancelled_lately());
    if (sql_states::stale(state)) forget(q.what);
    if (takes_no_changes(q, state)) note_refusal(q);
}

// A server in recovery says of a serializable BEGIN that may write only that it cannot do that. What only reads is
// refused by itself.
bool connection::takes_no_changes(const query_run& q, std::string_view state) const noexcept
{
    return !q.read_only && (sql_states::read_only(state) || (q.joins_next && state == "0A000"));
}

// Where the URL asks for a server that takes changes, another may be that by now. What several connections say that
// were there together counts once: what a newer one says as well, the next would say.
void connection::note_refusal(query_run& q)
{
    // One that any server will do for may find the same one again: it is read meanwhile.
    const bool leaves = q.what.is_change && shard_.now() - made_at_ > refusing_for;
    if (limits_.wanted != server_kind::any || leaves) retire();
    q.refused = limits_.wanted != server_kind::any && made_at_ <= q.refused_at;
    q.refused_at = std::min(q.refused_at, shard_.now());
    if (q.refused && use_ == use::leased) q.repeatable = true;
    if (!q.refused) owner_.takes_changes(false, q.what.is_change);
}

} // namespace sluice::postgres

// One run of a statement, from its submission to its end.
//
// It lives in the coroutine that waits for it. Whoever holds a reference (the pool's queue, a connection) is told when
// that coroutine leaves. It ends once, whatever connections it meets on its way.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/core/stage_timer.hpp>
#include <sluice/postgres/parameters.hpp>
#include <sluice/postgres/rows.hpp>
#include <sluice/postgres/statement.hpp>
#include <sluice/shard/wait.hpp>

#include <optional>
#include <utility>

namespace sluice::postgres {

class connection;

struct query_run : list_node<query_run>
{
    query_run(const statement& s, const parameters& p) noexcept : what(s), with(p) {}

    void end(result<rows> how)
    {
        outcome.emplace(std::move(how));
        on = nullptr;
        finished.complete();
        settled.complete();
    }

    const statement& what;
    const parameters& with;
    connection* on = nullptr;      // which has it; null: the pool's queue, or nobody any more
    bool exclusive = false;        // of a transaction: it runs nowhere else
    bool read_only = false;        // of a transaction that is
    time_point lost_at = never;    // when it had been sent and its answer was lost
    time_point refused_at = never; // when a server first said that it takes no changes
    bool refused = false;          // by a server that another may have replaced: it did nothing, and may run there
    bool joins_next = false;       // if it fails, what is submitted next does not run
    bool repeatable = false;       // it failed because of other transactions
    bool cancelled_once = false;   // by somebody else
    bool remembered = false;       // what it runs was prepared in an earlier flight
    time_point waiting_since = {};
    context* request = context::current();
    std::optional<stage_timer> queued; // while no connection has it
    rows got;                          // of a write that is not committed yet
    error failure = {};                // of a preparation
    std::optional<result<rows>> outcome;
    wait finished; // until the end, the deadline, or the request's
    wait settled;  // until the end, even of a request that nobody waits for
};

} // namespace sluice::postgres

// Waiting for a query that was submitted: until its end, its deadline, or its request's.
#pragma once

#include "postgres/errors.hpp"
#include "postgres/pool_state.hpp"
#include "shard/last_stop.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/span.hpp>
#include <sluice/core/stage_timer.hpp>
#include <sluice/coro/task.hpp>

#include <string_view>

namespace sluice::postgres {

// The request's context with the shard's last stop in place of its own, for a wait that goes on though nobody waits for
// the answer any more.
class until_last_stop
{
public:
    until_last_stop() noexcept
    {
        if (const context* current = context::current()) mine_ = *current;
        mine_.stop = &last_stop();
        before_ = context::exchange_current(&mine_);
    }
    ~until_last_stop() { context::exchange_current(before_); }
    until_last_stop(const until_last_stop&) = delete;
    until_last_stop& operator=(const until_last_stop&) = delete;

private:
    context mine_;
    context* before_;
};

// Counts a query when its waiting ends, however it does.
class timing
{
public:
    timing(pool_state& pool, const statement& what) noexcept : pool_(pool), what_(what), began_(pool.home().now()) {}
    ~timing() { pool_.answered(what_, began_); }
    timing(const timing&) = delete;
    timing& operator=(const timing&) = delete;

private:
    pool_state& pool_;
    const statement& what_;
    time_point began_;
};

// What a span is called. The statements that hold a transaction together have no name, but are known by their verbs.
inline std::string_view span_name(const statement& what) noexcept
{
    if (*what.name != '\0') return what.name;
    for (const std::string_view verb : {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"})
        if (std::string_view(what.sql).starts_with(verb)) return verb;
    return "statement";
}

inline task<result<rows>> finish(pool_state& pool, query_run& q)
{
    const timing counted(pool, q.what);
    const stage_timer querying(stage::query);
    span asking(span_name(q.what), span_kind::client);
    asking.attribute("db.system.name", "postgresql");
    const time_point limit = pool.home().now() + pool.options().statement_timeout;
    wait_end how = co_await q.finished.until(limit);
    const bool writing = q.on != nullptr && q.what.does == access::writes;
    if (!q.outcome && how == wait_end::cancelled && writing) {
        const until_last_stop outliving;
        how = co_await q.settled.until(limit);
    }
    if (!q.outcome || !*q.outcome) asking.failed();
    if (q.outcome) co_return std::move(*q.outcome);
    if (how != wait_end::cancelled) pool.count_timeout(q);
    const bool may_be_done = pool.leave(q) && q.what.does == access::writes;
    if (how != wait_end::cancelled) co_return fail(too_late(may_be_done));
    if (may_be_done) co_return fail(outcome_unknown());
    co_return fail(how);
}

} // namespace sluice::postgres

// A shard's connections to PostgreSQL: statements in, typed rows out.
//
//     constexpr statement find{"users_find", "SELECT email, name FROM users WHERE id = $1", access::reads};
//     auto found = co_await db.query(find, id);
//     if (!found) co_return fail(found.error());
//     for (const row one : *found) use(one.get<std::string_view>(0));
//
// Few connections, deeply pipelined: what a turn submits leaves in one flight, and while enough of them are on their
// way, reads gather for the next. Reads share the first connection for as long as it answers quickly; writes, which
// wait for the disk, take one of their own where there is one, because PostgreSQL commits those together. A connection
// whose head runs long takes nothing more, and what can run elsewhere does. A read whose connection is lost runs once
// more; a write does not, and its error is errc::outcome_unknown.
//
// Every wait ends: by `connect_timeout` for a connection, by `statement_timeout` or the request's deadline for an
// answer, and at once with errc::unavailable where too many wait or the database is known to be away. What nobody waits
// for any more is cancelled on the server, except a write whose request was cancelled: its outcome is awaited.
//
// Owned by a shard, used on it alone; it must die on it, after the shard's background tasks (shard::own does that).
// It connects by itself, again and again, so it can be made before the database is there.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/published.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/postgres/parameters.hpp>
#include <sluice/postgres/rows.hpp>
#include <sluice/postgres/statement.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {
class metric_set; // telemetry/metrics.hpp
}

namespace sluice::postgres {

class pool_state;

struct pool_options
{
    std::string url;                 // a connection string or URI of libpq, hosts, TLS and passwords included
    unsigned connections_max = 4;    // of this shard
    unsigned connections_min = 1;    // kept open, however idle
    bool transaction_pooler = false; // behind one: statements have no names
    duration connect_timeout = std::chrono::seconds(2); // for making a connection, and for waiting for one
    duration statement_timeout = std::chrono::seconds(5);
    duration idle_timeout = std::chrono::seconds(30); // of a connection above connections_min
    duration age_max = std::chrono::minutes(30);      // of a connection; up to a tenth less
    std::size_t queries_max = 1024;                   // in flight on one connection
    std::size_t waiters_max = 1024;                   // for a connection
    metric_set* metrics = nullptr;                    // where its numbers are shown; it outlives the pool
};

struct sql_state_class
{
    std::array<char, 2> name; // "23": of PostgreSQL's manual, appendix A
    std::uint64_t count;
};

struct pool_counters
{
    // Now:
    published<unsigned> open;
    published<unsigned> busy;    // of those: with a query in flight, or a transaction
    published<unsigned> stalled; // of those: what runs takes long, and nothing gets behind it
    published<std::size_t> waiting;
    published<bool> away;            // no connection, and the last attempt failed
    published<bool> refuses_changes; // the last one, since its server only reads
    // Since the start:
    event_count queries;
    event_count timeouts;           // connections that did not come in time
    event_count statement_timeouts; // answers that did not
    event_count refused;            // at the bound of waiters, or while the database is away
    event_count repeated;           // reads that ran again after a loss
    event_count connects;           // connections made
    event_count failed_connects;
    event_count losses;                       // connections that ended unasked
    event_count cancels;                      // asked of the server
    event_count moved;                        // reads that ran on a second connection because the first stalled
    std::vector<sql_state_class> errors = {}; // that have occurred, of failed statements
};

class pool
{
public:
    // `blocking` runs what blocks in libpq: connecting. It outlives the pool.
    pool(shard& on, offload_pool& blocking, pool_options options);
    ~pool();
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;

    // A statement with a name is prepared once a connection, and must have static storage duration. One without a name
    // (for what runs once) is not prepared, and need only live as long as the task.
    template <class... T> [[nodiscard]] task<result<rows>> query(const statement& s, const T&... values)
    {
        return run(s, parameters::of(values...));
    }
    [[nodiscard]] task<result<rows>> run(const statement& s, parameters with);

    // Does it answer? For readiness.
    [[nodiscard]] task<result<void>> ping();

    [[nodiscard]] pool_counters counters() const;
    [[nodiscard]] const pool_options& options() const noexcept;
    [[nodiscard]] pool_state& state() noexcept { return *state_; }

private:
    std::unique_ptr<pool_state> state_;
};

} // namespace sluice::postgres

#pragma GCC visibility pop

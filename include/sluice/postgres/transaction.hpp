// A transaction: statements that happen together or not at all, on a connection of their own.
//
//     auto moved = co_await transact(db, {.repeatable = true}, [&](transaction& t) -> task<result<void>> {
//         auto taken = co_await t.query(withdraw, from, amount);
//         if (!taken) co_return fail(taken.error());
//         …
//         co_return {};
//     });
//
// It commits when the body gives a value, and its result is then the body's; it rolls back on an error, and by itself
// when the body throws or its connection is lost. A failed, late or refused statement fails the transaction: only a
// savepoint lets it go on. Declared repeatable, the body runs again where PostgreSQL says that it met another
// transaction (serialization failure, deadlock), its connection was lost before the commit, the schema changed under a
// prepared statement, somebody else cancelled its first run, or the server takes no changes any more where the pool's
// URL asks for one that does; so it must change nothing outside of the database. A first statement that was refused for
// the last of these runs elsewhere by itself. Otherwise these are errc::unavailable. A commit whose answer is lost is
// errc::outcome_unknown, and never repeated.
//
// It does not insist on writing: where sessions only read by default (default_transaction_read_only, of a server, a
// role or, behind a pooler, set by whoever had the session before), its writes are refused as those outside of it are.
//
// Inside the body use the transaction alone: a query on the pool may wait for a connection that this one holds.
//
// Thread: the pool's shard. The pool outlives it. One statement at a time.
#pragma once

#include <sluice/coro/task.hpp>
#include <sluice/postgres/pool.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice::postgres {

enum class isolation : std::uint8_t
{
    read_committed,
    repeatable_read,
    serializable,
};

struct transaction_options
{
    isolation level = isolation::read_committed;
    bool read_only = false; // otherwise it may write where a statement outside of it may
    bool repeatable = false;
    unsigned attempts_max = 5; // of a repeatable one
};

class transaction
{
public:
    ~transaction(); // rolls back what was not committed
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;

    template <class... T> [[nodiscard]] task<result<rows>> query(const statement& s, const T&... values)
    {
        return run(s, parameters::of(values...));
    }
    [[nodiscard]] task<result<rows>> run(const statement& s, parameters with);

    // What fails after a savepoint can be rolled back to it. The name is an identifier of yours, of any characters.
    [[nodiscard]] task<result<void>> savepoint(std::string_view name);
    [[nodiscard]] task<result<void>> rollback_to(std::string_view name);
    [[nodiscard]] task<result<void>> release(std::string_view name);

    // For transact() and stream(), and for those who cannot use them.
    transaction(pool& of, const transaction_options& options);
    [[nodiscard]] task<result<void>> begin();
    [[nodiscard]] task<result<void>> commit();
    [[nodiscard]] task<result<void>> roll_back();
    // Did it, in that attempt, fail for a reason that another one may not meet?
    [[nodiscard]] bool worth_repeating(unsigned attempt) const noexcept;
    // Waits a little, longer after each attempt, so that those who met do not meet again.
    [[nodiscard]] static task<result<void>> back_off(unsigned attempt);

private:
    struct state;
    [[nodiscard]] task<result<void>> run_unnamed(std::string_view verb, std::string_view name);
    std::unique_ptr<state> state_;
};

template <class F>
[[nodiscard]] std::invoke_result_t<F&, transaction&> transact(pool& on, transaction_options options, F body)
{
    for (unsigned attempt = 1;; ++attempt) {
        transaction t(on, options);
        auto begun = co_await t.begin();
        if (!begun) co_return fail(std::move(begun.error()));
        auto made = co_await body(t);
        auto ended = co_await (made ? t.commit() : t.roll_back());
        if (made && ended) co_return made;
        error failure = made ? std::move(ended.error()) : std::move(made.error());
        if (!options.repeatable || attempt >= options.attempts_max || !t.worth_repeating(attempt))
            co_return fail(std::move(failure));
        auto waited = co_await transaction::back_off(attempt);
        if (!waited) co_return fail(std::move(waited.error()));
    }
}

} // namespace sluice::postgres

#pragma GCC visibility pop

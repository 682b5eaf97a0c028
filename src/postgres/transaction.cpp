#include "postgres/errors.hpp"
#include "postgres/pool_state.hpp"
#include "postgres/run.hpp"

#include <sluice/core/random.hpp>
#include <sluice/postgres/transaction.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

namespace sluice::postgres {

namespace {

constexpr duration back_off_each = std::chrono::milliseconds(2);

// None of these has a name: they are parsed in no time, and depend on nothing that was prepared. Nor do those that may
// write say so: that would overrule a database that only reads by default.
const statement& beginning(const transaction_options& o)
{
    static constexpr statement statements[] = {
        {"", "BEGIN ISOLATION LEVEL READ COMMITTED"},  {"", "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"},
        {"", "BEGIN ISOLATION LEVEL REPEATABLE READ"}, {"", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"},
        {"", "BEGIN ISOLATION LEVEL SERIALIZABLE"},    {"", "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"},
    };
    return statements[static_cast<std::size_t>(o.level) * 2 + (o.read_only ? 1 : 0)];
}

constexpr statement commit_statement{.name = "", .sql = "COMMIT", .is_change = false};
constexpr statement rollback_statement{.name = "", .sql = "ROLLBACK", .is_change = false};
constexpr const char* undoing = "ROLLBACK TO SAVEPOINT";

std::string identifier(std::string_view name)
{
    std::string quoted = "\"";
    for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + '"';
}

} // namespace

struct transaction::state
{
    state(pool_state& p, const transaction_options& o) : pool(p), begins(beginning(o)), read_only(o.read_only) {}
    ~state() { end(false); }

    // BEGIN, in one flight with the statement that comes next.
    void begin()
    {
        begun = true;
        first.emplace(begins, nothing);
        first->joins_next = true;
        submit(*first);
    }

    void submit(query_run& q)
    {
        q.exclusive = true;
        q.read_only = read_only;
        q.refused_at = refused_at;
        mine->on->submit(q);
    }

    // Gives the connection back.
    void end(bool clean)
    {
        if (first && first->on != nullptr) (void)pool.leave(*first);
        if (open) pool.give_back(*mine, clean);
        open = false;
    }
    void note(const query_run& q)
    {
        // Nothing of it is committed, so that even a write whose answer was lost is known not to be done.
        repeatable = repeatable || q.repeatable || mine->on == nullptr;
        cancelled = cancelled || q.cancelled_once;
        broken = broken || !q.outcome; // the server's own timeout is one
    }

    pool_state& pool;
    parameters nothing;
    std::optional<lease> mine{std::in_place}; // another one where it begins anew
    const statement& begins;
    std::optional<query_run> first; // the BEGIN; if it fails, the statement behind it does not run
    const bool read_only;
    time_point refused_at = never; // when a server first said that it takes no changes
    bool open = false;
    bool begun = false;
    bool broken = false; // something of it still runs
    bool repeatable = false;
    bool cancelled = false;      // by somebody else
    std::optional<error> failed; // of a statement: the server does not know of it, or may not
};

transaction::transaction(pool& of, const transaction_options& options)
    : state_(std::make_unique<state>(of.state(), options))
{}

transaction::~transaction() = default;

task<result<void>> transaction::begin()
{
    state& my = *state_;
    my.mine.emplace();
    auto taken = co_await my.pool.take(*my.mine);
    if (!taken) co_return fail(std::move(taken.error()));
    my.open = true;
    co_return {};
}

task<result<rows>> transaction::run(const statement& s, parameters with)
{
    state& my = *state_;
    const bool undoes = std::string_view(s.sql).starts_with(undoing);
    if (my.failed && !undoes) co_return fail(*my.failed);
    if (auto refused = with.refusal()) {
        my.failed = *refused;
        co_return fail(std::move(*refused));
    }
    for (;;) {
        if (my.mine->on == nullptr) {
            my.repeatable = true;
            my.failed = unavailable("The database went away"); // also where nothing has begun yet
            co_return fail(*my.failed);
        }
        query_run q(s, with);
        const bool opening = !my.begun;
        std::optional<span> beginning;
        if (opening) {
            my.begin();
            beginning.emplace(span_name(my.begins), span_kind::client);
            beginning->attribute("db.system.name", "postgresql");
        }
        my.submit(q);
        auto answered = co_await finish(my.pool, q);
        const bool begun = my.first->outcome && *my.first->outcome;
        if (opening && !begun) beginning->failed();
        beginning.reset();
        if (answered && begun) {
            if (undoes) {
                my.failed.reset();
                my.broken = false;
            }
            co_return answered;
        }
        // Without its BEGIN nothing may be left to a connection that others get.
        if (my.first->outcome && !begun) answered = fail(my.first->outcome->error());
        const query_run& failed = begun ? q : *my.first;
        if (!begun) my.broken = true;
        my.note(failed);
        if (answered.error().code == errc::outcome_unknown) answered = fail(unavailable("The database went away"));
        if (answered.error().code == errc::timeout) answered = fail(too_late(false));
        // Nothing of it was done, so it may as well begin at a server that takes changes.
        if (!opening || !failed.refused) {
            if (my.broken || answered.error().code == errc::timeout) my.failed = answered.error();
            co_return answered;
        }
        my.refused_at = failed.refused_at;
        my.end(false);
        my.begun = my.broken = my.repeatable = false;
        auto taken = co_await begin();
        if (taken) continue;
        my.begun = true; // and failed: nothing may be called committed
        co_return fail(std::move(taken.error()));
    }
}

task<result<void>> transaction::commit()
{
    state& my = *state_;
    if (my.failed) {
        error failure = std::move(*my.failed);
        (void)co_await roll_back();
        co_return fail(std::move(failure));
    }
    if (!my.begun) {
        my.end(true);
        co_return {};
    }
    if (my.mine->on == nullptr) {
        my.repeatable = true;
        co_return fail(unavailable("The database went away"));
    }
    query_run q(commit_statement, my.nothing);
    my.submit(q);
    auto answered = co_await finish(my.pool, q);
    // COMMIT of a transaction in which something failed is a ROLLBACK, and says so in its tag alone.
    const bool rolled_back = answered && answered->command() == "ROLLBACK";
    if (!answered) my.broken = my.broken || answered.error().code == errc::timeout;
    my.repeatable = !answered && q.repeatable;
    my.cancelled = !answered && q.cancelled_once;
    my.end(answered.has_value());
    if (!answered) co_return fail(std::move(answered.error()));
    if (rolled_back)
        co_return fail(
            error{.code = errc::internal, .detail = "A statement of the transaction failed", .dependency = dependency});
    co_return {};
}

task<result<void>> transaction::roll_back()
{
    state& my = *state_;
    if (!my.begun || my.broken || my.mine->on == nullptr) {
        my.end(!my.begun);
        co_return {};
    }
    query_run q(rollback_statement, my.nothing);
    my.submit(q);
    auto answered = co_await finish(my.pool, q);
    my.end(answered.has_value());
    co_return {};
}

task<result<void>> transaction::run_unnamed(std::string_view verb, std::string_view name)
{
    const std::string sql = fmt::format("{} {}", verb, identifier(name));
    const statement once{.name = "", .sql = sql.c_str(), .is_change = false};
    auto answered = co_await run(once, {});
    if (!answered) co_return fail(std::move(answered.error()));
    co_return {};
}

task<result<void>> transaction::savepoint(std::string_view name) { return run_unnamed("SAVEPOINT", name); }
task<result<void>> transaction::rollback_to(std::string_view name) { return run_unnamed(undoing, name); }
task<result<void>> transaction::release(std::string_view name) { return run_unnamed("RELEASE SAVEPOINT", name); }

bool transaction::worth_repeating(unsigned attempt) const noexcept
{
    return state_->repeatable || (state_->cancelled && attempt == 1);
}

task<result<void>> transaction::back_off(unsigned attempt)
{
    const auto most = static_cast<std::uint64_t>((back_off_each * (1U << std::min(attempt, 6U))).count());
    return sleep_for(duration(static_cast<std::int64_t>(random_bits() % most)));
}

} // namespace sluice::postgres

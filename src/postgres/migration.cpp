#include "postgres/connect.hpp"
#include "postgres/cut_off.hpp"
#include "postgres/errors.hpp"

#include <sluice/postgres/connection_info.hpp>
#include <sluice/postgres/migration.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <libpq-fe.h>
#include <memory>
#include <poll.h>
#include <utility>
#include <vector>

namespace sluice::postgres {

namespace {

using namespace std::chrono_literals;

// Of the advisory lock: the letters of "sluice" and a version of this file's conventions.
constexpr std::string_view lock_statement = "SELECT pg_advisory_xact_lock(x'736c756963650001'::bigint)";

// Whatever the role's defaults are: it must see what was committed while it waited for the lock, and a step may take
// its time, as may another program with the lock.
constexpr std::string_view begin_step = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
                                        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";
// Looking ends even where somebody has locked the table …
constexpr std::string_view begin_look = "BEGIN READ ONLY; SET LOCAL statement_timeout = '5s'";
// … and where a pooler in front of a server that is away keeps the statement.
constexpr duration look_time = std::chrono::seconds(5);

// By a scan: a look-up by name may be answered from what this session remembers of the time before the lock.
constexpr std::string_view find_table = "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'sluice_schema' AND "
                                        "relkind = 'r' AND pg_table_is_visible(oid))";
constexpr std::string_view make_table = "CREATE TABLE sluice_schema (version integer PRIMARY KEY, name text NOT NULL, "
                                        "applied_at timestamptz NOT NULL DEFAULT now())";

using answer = result_handle;

error failure(errc code, std::string detail)
{
    return {.code = code, .detail = std::move(detail), .dependency = dependency};
}

// A connection that runs one statement at a time and waits for it; for each no longer than `patience`.
class session
{
public:
    static result<session> open(const session_options& with, duration patience = duration::max())
    {
        auto opened = connect({.url = with.url, .timeout = with.connect_timeout, .stop = with.stop});
        if (!opened)
            return fail(
                failure(errc::unavailable, fmt::format("PostgreSQL cannot be used: {}; is database_url right, or "
                                                       "postgres.host and what belongs to it?",
                                                       opened.error().detail)));
        if (auto new_enough = accept_version(PQserverVersion(opened->get())); !new_enough)
            return fail(std::move(new_enough).error());
        session made;
        made.open_ = *std::move(opened);
        made.cut_ = std::make_unique<cut_off>(PQsocket(made.open_.get()), with.stop);
        made.patience_ = patience;
        return made;
    }

    // One statement, or several without a result. A connection that ends in between rolls back by itself.
    result<answer> run(std::string_view statement, std::span<const std::string> parameters = {})
    {
        const std::string text(statement);
        std::vector<const char*> values;
        for (const std::string& one : parameters) values.push_back(one.c_str());
        const int sent = values.empty() ? PQsendQuery(open_.get(), text.c_str())
                                        : PQsendQueryParams(open_.get(), text.c_str(), static_cast<int>(values.size()),
                                                            nullptr, values.data(), nullptr, nullptr, 0);
        if (sent != 1) return fail(failure(errc::unavailable, message_of(open_.get())));
        auto came = await();
        if (!came) return came;
        answer given = *std::move(came);
        const ExecStatusType status = PQresultStatus(given.get());
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return given;
        const char* said = PQresultErrorField(given.get(), PG_DIAG_MESSAGE_PRIMARY);
        if (said != nullptr) return fail(failure(errc::internal, said));
        return fail(failure(errc::unavailable, message_of(open_.get())));
    }

private:
    // The last of what it gives, which is the one that failed if one has.
    result<answer> await()
    {
        const time_point began = steady_clock::now();
        for (answer last;;) {
            while (PQisBusy(open_.get()) != 0) {
                int left = -1;
                if (patience_ != duration::max())
                    left =
                        static_cast<int>(std::max<std::int64_t>(0, (patience_ - (steady_clock::now() - began)) / 1ms));
                pollfd readable = {.fd = PQsocket(open_.get()), .events = POLLIN, .revents = 0};
                if (::poll(&readable, 1, left) == 0)
                    return fail(failure(errc::unavailable, "the server took the connection, and answers no statement"));
                if (PQconsumeInput(open_.get()) != 1) return fail(failure(errc::unavailable, message_of(open_.get())));
            }
            answer next(PQgetResult(open_.get()));
            if (next == nullptr) return last;
            last = std::move(next);
        }
    }

    connection_handle open_;
    std::unique_ptr<cut_off> cut_;
    duration patience_ = duration::max();
};

std::string named(const session_options& with) { return "PostgreSQL's database " + place_of(with.url); }

std::unexpected<error> unusable(const session_options& with, error failed)
{
    failed.detail = fmt::format("{} cannot be used: {}", named(with), failed.detail);
    return fail(std::move(failed));
}

result<schema_state> state_of(session& database, const session_options& with, int newest)
{
    schema_state found{.newest = newest};
    auto table = database.run(find_table);
    if (!table) return unusable(with, std::move(table).error());
    found.exists = PQgetvalue(table->get(), 0, 0)[0] == 't';
    if (!found.exists) return found;
    auto version = database.run("SELECT coalesce(max(version), 0)::int4 FROM sluice_schema");
    if (!version) return unusable(with, std::move(version).error());
    found.version = std::stoi(PQgetvalue(version->get(), 0, 0));
    if (found.version > newest)
        return fail(
            failure(errc::internal, fmt::format("{} has schema version {}, and this program knows only {}: run the "
                                                "newer program that wrote it",
                                                named(with), found.version, newest)));
    return found;
}

result<schema_state> look(session& database, const session_options& with, int newest)
{
    if (auto begun = database.run(begin_look); !begun) return unusable(with, std::move(begun).error());
    auto found = state_of(database, with, newest);
    if (!found) return found;
    if (auto ended = database.run("COMMIT"); !ended) return unusable(with, std::move(ended).error());
    return found;
}

// What would keep a server from its work there; empty: nothing.
result<std::string> obstacle_to_use(session& database, const schema_state& found, std::span<const used_table> tables)
{
    auto general = database.run("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool, "
                                "coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)");
    if (!general) return fail(std::move(general).error());
    const auto holds = [&general](int column) { return PQgetvalue(general->get(), 0, column)[0] == 't'; };
    if (holds(0)) return "it only reads: name the server that takes writes (target_session_attrs=read-write finds it)";
    if (found.version < found.newest)
        return holds(1) ? std::string() : "the role may not make tables there: grant CREATE on the schema";
    for (const auto& [table, columns] : tables) {
        const std::array<std::string, 1> name = {std::string(table)};
        auto granted =
            database.run("SELECT count(*) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS need "
                         "WHERE NOT has_table_privilege($1, need)",
                         name);
        if (!granted) return fail(std::move(granted).error());
        if (std::string_view(PQgetvalue(granted->get(), 0, 0)) != "0")
            return fmt::format("the role may not read and write {}: grant SELECT, INSERT, UPDATE and DELETE", table);
        auto missing = database.run(missing_columns({table, columns}));
        if (!missing) return fail(std::move(missing).error());
        if (const std::string_view names = PQgetvalue(missing->get(), 0, 0); !names.empty())
            return fmt::format("{} lacks {}, which the steps in sluice_schema had made", table, names);
    }
    return std::string();
}

result<void> run_step(session& database, const session_options& with, const migration& step, const schema_state& before)
{
    const std::array<std::string, 2> row = {std::to_string(before.version + 1), std::string(step.name)};
    result<answer> done = before.exists ? result<answer>() : database.run(make_table);
    if (done) done = database.run(step.sql);
    if (done) done = database.run("INSERT INTO sluice_schema (version, name) VALUES ($1::int4, $2)", row);
    if (done) done = database.run("COMMIT");
    if (done) return {};
    error failed = std::move(done).error();
    failed.detail = fmt::format("Schema step {} ({}) failed in {}: {}", before.version + 1, step.name,
                                place_of(with.url), failed.detail);
    return fail(std::move(failed));
}

} // namespace

std::string missing_columns(const used_table& wanted)
{
    return fmt::format(
        "SELECT coalesce(string_agg(name, ', '), '') FROM unnest(string_to_array('{}', ', ')) AS name WHERE "
        "NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('{}') AND attname = name AND "
        "NOT attisdropped)",
        wanted.columns, wanted.name);
}

result<schema_state> migrate(const session_options& with, std::span<const migration> steps)
{
    auto opened = session::open(with);
    if (!opened) return fail(std::move(opened).error());
    session& database = *opened;
    const int newest = static_cast<int>(steps.size());

    // What is up to date needs no lock and no right to write: it may be a replica.
    auto found = look(database, with, newest);
    if (!found || found->version == newest) return found;
    for (;;) {
        auto begun = database.run(begin_step);
        if (begun) begun = database.run(lock_statement);
        if (!begun) return unusable(with, std::move(begun).error());
        // Another program may have run the step while this one waited for the lock.
        auto now = state_of(database, with, newest);
        if (!now) return now;
        if (now->version == newest) return found;
        const migration& step = steps[static_cast<std::size_t>(now->version)];
        if (auto ran = run_step(database, with, step, *now); !ran) return fail(std::move(ran).error());
    }
}

result<schema_state> inspect(const session_options& with, std::span<const migration> steps,
                             std::span<const used_table> tables)
{
    auto opened = session::open(with, with.connect_timeout + look_time);
    if (!opened) return fail(std::move(opened).error());
    auto found = look(*opened, with, static_cast<int>(steps.size()));
    if (!found) return found;
    auto obstacle = obstacle_to_use(*opened, *found, tables);
    if (!obstacle) return unusable(with, std::move(obstacle).error());
    if (!obstacle->empty()) return unusable(with, failure(errc::internal, *std::move(obstacle)));
    return found;
}

} // namespace sluice::postgres

#include "setting_table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

// Bounds of the bounds: above these a value is a slip of the pen.
constexpr unsigned shards_max = 1024;
constexpr std::uint64_t connections_max = 10'000'000;
constexpr std::uint64_t database_connections_max = 10'000;
constexpr std::uint64_t waiters_max = 1'000'000;
constexpr std::uint64_t redis_connections_max = 64;
constexpr duration timeout_min = 1ms;
constexpr duration timeout_max = 24h;

template <class T> using place = T& (*)(settings&);
template <class T> using read_place = const T& (*)(const settings&);

// What the rows of one type have in common: made once for each type, and not once for each row.
template <class T> setting row_of(setting words, setting_kind<T> kind, place<T> at, read_place<T> read_at)
{
    words.kind = kind.name;
    words.expects = kind.expects;
    words.write = [write = kind.write, read_at](const settings& all) { return write(read_at(all)); };
    words.secret = kind.show != nullptr;
    words.show = [show = words.secret ? kind.show : kind.write, read_at](const settings& all) {
        return show(read_at(all));
    };
    words.why_not = kind.why_not;
    words.read = [kind = std::move(kind), at](settings& all, const raw_setting& raw) {
        return kind.read(kind, raw, at(all));
    };
    return words;
}

// One row: where the value lives, its kind, and the words for people.
template <class Access, class T> setting row(setting words, setting_kind<T> kind, Access access)
{
    return row_of<T>(std::move(words), std::move(kind), access, access);
}

std::vector<setting> make_table()
{
    const auto timeout = time_span(timeout_min, timeout_max);
    return {
        row({.key = "listen",
             .meaning = "the API's listener, or a list of them; port 0 takes a free one",
             .flag = "--listen",
             .flag_value = "ADDR:PORT"},
            addresses(), [](auto& all) -> auto& { return all.server.listen; }),
        row({.key = "admin_listen",
             .meaning = "the listener for health and administration; empty: none",
             .flag = "--admin-listen",
             .flag_value = "ADDR:PORT"},
            optional_address(), [](auto& all) -> auto& { return all.server.admin_listen; }),
        row({.key = "admin_names",
             .meaning = "names by which the admin listener may be called, beside addresses and localhost: it refuses "
                        "others, since a page of another site could use them",
             .default_note = "(none)"},
            host_names(), [](auto& all) -> auto& { return all.admin_names; }),
        row({.key = "shards",
             .meaning = "reactors, one pinned thread each",
             .flag = "--shards",
             .flag_value = "N",
             .default_note = "one for each CPU the process may run on"},
            count_of_shards(shards_max), [](auto& all) -> auto& { return all.server.shards; }),
        row({.key = "reactor.busy_poll", .meaning = "how long a shard polls before it sleeps"}, busy_poll(),
            [](auto& all) -> auto& { return all.server; }),
        row({.key = "database_url",
             .meaning = "PostgreSQL's URL, as libpq reads it; where there is none, `postgres.host` counts, or else the "
                        "embedded database",
             .also = "DATABASE_URL",
             .default_note = "(none)"},
            database_url(), [](auto& all) -> auto& { return all.database_url; }),
        row({.key = "sqlite.path", .meaning = "the embedded database"}, path(),
            [](auto& all) -> auto& { return all.sqlite_path; }),
        row({.key = "postgres.host",
             .meaning = "PostgreSQL's host, or the folder of its socket, where there is no `database_url`",
             .also = "DB_HOST",
             .default_note = "(none)"},
            text(), [](auto& all) -> auto& { return all.postgres.at.host; }),
        row({.key = "postgres.port", .meaning = "beside `postgres.host`", .also = "DB_PORT"}, port(),
            [](auto& all) -> auto& { return all.postgres.at.port; }),
        row({.key = "postgres.name",
             .meaning = "of the database; where there is none, the user's name",
             .also = "DB_NAME",
             .default_note = "(none)"},
            text(), [](auto& all) -> auto& { return all.postgres.at.name; }),
        row({.key = "postgres.user",
             .meaning = "where there is none, the name of who runs the server",
             .also = "DB_USER",
             .default_note = "(none)"},
            text(), [](auto& all) -> auto& { return all.postgres.at.user; }),
        row({.key = "postgres.password", .meaning = "never printed", .also = "DB_PASSWORD", .default_note = "(none)"},
            secret_text(), [](auto& all) -> auto& { return all.postgres.at.password; }),
        row({.key = "postgres.max_connections",
             .meaning = "connections of the whole process, shared out over the shards; at least one for each"},
            whole_number(1, database_connections_max), [](auto& all) -> auto& { return all.postgres.max_connections; }),
        row({.key = "postgres.max_waiters",
             .meaning = "of each shard: statements and transactions that wait for a connection; above: 503 at once"},
            whole_number(1, waiters_max), [](auto& all) -> auto& { return all.postgres.max_waiters; }),
        row({.key = "postgres.pooler",
             .meaning = "`transaction` behind a pooler that gives a connection for a transaction: no named statements"},
            transaction_pooler(), [](auto& all) -> auto& { return all.postgres.transaction_pooler; }),
        row({.key = "postgres.idle_timeout", .meaning = "an idle connection above one a shard is closed after it"},
            timeout, [](auto& all) -> auto& { return all.postgres.idle_timeout; }),
        row({.key = "postgres.connect_timeout", .meaning = "for making a connection, and for waiting for one"}, timeout,
            [](auto& all) -> auto& { return all.postgres.connect_timeout; }),
        row({.key = "postgres.statement_timeout", .meaning = "for a statement's answer; after: 504"}, timeout,
            [](auto& all) -> auto& { return all.postgres.statement_timeout; }),
        row({.key = "redis.url",
             .meaning =
                 "Redis, as `redis://[user:password@]host:port/db` or `unix:[user:password@]/path?db=N`; without "
                 "it there is no second tier of the cache, and each process limits rates by itself",
             .also = "REDIS_URL",
             .default_note = "(none)"},
            redis_url(), [](auto& all) -> auto& { return all.redis.url; }),
        row({.key = "redis.connections",
             .meaning = "of each shard; more than one are of use where large values hold up small ones"},
            whole_number(1, redis_connections_max), [](auto& all) -> auto& { return all.redis.connections; }),
        row({.key = "redis.connect_timeout", .meaning = "for making a connection"}, timeout,
            [](auto& all) -> auto& { return all.redis.connect_timeout; }),
        row({.key = "redis.command_timeout",
             .meaning = "for a command's reply; where none comes for as long, Redis counts as away"},
            timeout, [](auto& all) -> auto& { return all.redis.command_timeout; }),
        row({.key = "cache.l1_bytes",
             .meaning = "first tier of the cache, of the whole process, shared out over the shards, with 16 KiB to 32 "
                        "GiB for each; 0: none"},
            size(bytes{0}, bytes{1ULL << 40}), [](auto& all) -> auto& { return all.cache.first_tier_bytes; }),
        row({.key = "cache.ttl",
             .meaning = "of a value, from before it was read from the database; up to a twentieth less, by chance"},
            timeout, [](auto& all) -> auto& { return all.cache.ttl; }),
        row({.key = "cache.negative_ttl",
             .meaning = "of the knowledge that there is no such thing; at most `cache.ttl`"},
            timeout, [](auto& all) -> auto& { return all.cache.negative_ttl; }),
        row({.key = "cache.stale_while_revalidate",
             .meaning = "an expired value of the first tier is served that much longer, while it is loaded anew"},
            time_span(0s, timeout_max), [](auto& all) -> auto& { return all.cache.stale_while_revalidate; }),
        row({.key = "cache.stale_on_error", .meaning = "and that much longer where it cannot be loaded"},
            time_span(0s, timeout_max), [](auto& all) -> auto& { return all.cache.stale_on_error; }),
        row({.key = "rate_limit.requests",
             .meaning = "requests that a client may make in any window; above: 429. 0: no limit"},
            whole_number(0, 1'000'000'000), [](auto& all) -> auto& { return all.rate_limit.requests; }),
        row({.key = "rate_limit.window", .meaning = "the window's length, wherever it begins"},
            time_span(limit::window_min, limit::window_max), [](auto& all) -> auto& { return all.rate_limit.window; }),
        row({.key = "rate_limit.key",
             .meaning =
                 "who is a client: an address (IPv6 by /64), or what a header field says (an address where it is "
                 "missing)"},
            client_key(), [](auto& all) -> auto& { return all.rate_limit.header; }),
        row({.key = "rate_limit.on_redis_failure",
             .meaning = "while Redis does not answer: each process counts by itself, all requests pass, or none (503)"},
            without_redis(), [](auto& all) -> auto& { return all.rate_limit.on_redis_failure; }),
        row({.key = "trusted_proxies",
             .meaning = "addresses and networks whose `Forwarded`, `X-Forwarded-For`, `X-Log-Debug` and sampling flag "
                        "are believed; a peer "
                        "on a unix socket is",
             .default_note = "(none)"},
            networks(), [](auto& all) -> auto& { return all.trusted_proxies; }),
        row({.key = "limits.header_bytes", .meaning = "request line and header fields together; above: 431"},
            size(bytes{256}, bytes{16 << 20}), [](auto& all) -> auto& { return all.server.limits.header_bytes; }),
        row({.key = "limits.headers", .meaning = "header fields of a request; above: 431"}, whole_number(1, 10'000),
            [](auto& all) -> auto& { return all.server.limits.headers; }),
        row({.key = "limits.body_bytes", .meaning = "body of a request; above: 413"}, size(bytes{0}, bytes{1ULL << 40}),
            [](auto& all) -> auto& { return all.server.limits.body_bytes; }),
        row({.key = "limits.uri_bytes", .meaning = "target of a request; above: 414"}, size(bytes{16}, bytes{16 << 20}),
            [](auto& all) -> auto& { return all.server.limits.uri_bytes; }),
        row({.key = "limits.header_timeout", .meaning = "for receiving a request's head; after: 408 and close"},
            timeout, [](auto& all) -> auto& { return all.server.header_timeout; }),
        row({.key = "limits.body_timeout",
             .meaning =
                 "for receiving a request's body; after: 408 and close (a streamed body has a minimum rate instead)"},
            timeout, [](auto& all) -> auto& { return all.server.body_timeout; }),
        row({.key = "limits.idle_timeout", .meaning = "a connection without a request is closed after it"}, timeout,
            [](auto& all) -> auto& { return all.server.idle_timeout; }),
        row({.key = "limits.request_timeout", .meaning = "for an answer, from headers complete; after: 504"}, timeout,
            [](auto& all) -> auto& { return all.server.request_timeout; }),
        row({.key = "limits.connections",
             .meaning = "connections of the whole process, but for the admin listener's; 0: what the limit of open "
                        "files allows"},
            whole_number(0, connections_max), [](auto& all) -> auto& { return all.server.connections; }),
        row({.key = "log.level",
             .meaning = "the least important lines that are written; SIGHUP reads it again",
             .also = "LOG_LEVEL"},
            level(), [](auto& all) -> auto& { return all.level; }),
        row({.key = "log.file",
             .meaning = "where the log goes; empty: standard output. SIGHUP opens it again",
             .default_note = "(standard output)"},
            optional_path(), [](auto& all) -> auto& { return all.log_file; }),
        row({.key = "log.access", .meaning = "a line for each answered request"}, yes_or_no(),
            [](auto& all) -> auto& { return all.server.access_log.lines; }),
        row({.key = "log.access_ratio",
             .meaning = "which part of these lines is written; those of errors and of slow requests always are, where "
                        "`log.level` lets them pass"},
            ratio(), [](auto& all) -> auto& { return all.server.access_log.ratio; }),
        row({.key = "log.slow", .meaning = "a request that takes this long logs where its time went; 0: none does"},
            time_span(0s, timeout_max), [](auto& all) -> auto& { return all.server.access_log.slow; }),
        row({.key = "log.redact",
             .meaning = "words: the value of a field whose name contains one of them is not written"},
            words(), [](auto& all) -> auto& { return all.redact; }),
        row({.key = "log.journal",
             .meaning = "the systemd journal's socket, where lines go if standard output leads to that journal; empty: "
                        "they do not"},
            optional_path(), [](auto& all) -> auto& { return all.journal_socket; }),
        row({.key = "telemetry.otlp_url",
             .meaning = "where traces go: a collector of OpenTelemetry's, over HTTP in JSON; empty: nowhere",
             .default_note = "(none)"},
            collector_url(), [](auto& all) -> auto& { return all.telemetry.otlp_url; }),
        row({.key = "telemetry.sample_ratio",
             .meaning = "how many traces are kept, from 0 (none) to 1 (all), beside those that failed or were slow"},
            ratio(), [](auto& all) -> auto& { return all.telemetry.sample_ratio; }),
        row({.key = "shutdown.grace", .meaning = "how long a drain may take"}, time_span(0s, timeout_max),
            [](auto& all) -> auto& { return all.server.shutdown_grace; }),
    };
}

// Insertions, deletions and replacements that turn one word into the other.
std::size_t edits_between(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

} // namespace

std::string setting::variable() const
{
    std::string name = "SLUICE_";
    for (const char c : key) {
        if (c == '.')
            name += '_';
        else
            name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return name;
}

std::span<const setting> setting_table()
{
    static const std::vector<setting> table = make_table();
    return table;
}

const setting* find_setting(std::string_view key)
{
    const auto found = std::ranges::find(setting_table(), key, &setting::key);
    return found == setting_table().end() ? nullptr : &*found;
}

std::optional<std::string> closest(std::string_view name, std::span<const std::string> known)
{
    constexpr std::size_t longest = 100; // the comparison is quadratic, and no setting is that long
    if (name.size() > longest) return std::nullopt;
    std::size_t least = std::max<std::size_t>(2, name.size() / 4) + 1;
    std::optional<std::string> best;
    for (const std::string& candidate : known) {
        const std::size_t edits = edits_between(name, candidate);
        if (edits >= least) continue;
        least = edits;
        best = candidate;
    }
    return best;
}

} // namespace sluice::app

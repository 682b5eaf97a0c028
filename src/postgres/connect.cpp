#include "postgres/connect.hpp"

#include "postgres/cut_off.hpp"
#include "postgres/errors.hpp"

#include <sluice/core/log.hpp>

#include <climits>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <libpq-fe.h>
#include <mutex>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace sluice::postgres {

namespace {

constexpr int oldest_version = 150'000;
constexpr int cancellations_max = 4;
constexpr int pings = 3;
std::atomic<int> cancellations = 0;

// exit() takes apart libraries (OpenSSL, GSSAPI) that a thread which was left behind still runs through. So while there
// is one, the process ends without that.
std::atomic<int> connecting = 0;
void end_at_once(int status, void*)
{
    if (connecting == 0) return;
    std::fflush(nullptr);
    ::_exit(status);
}
// Handlers run from the last to the first, and OpenSSL registers its own when it is first used: this one comes after.
void leave_behind()
{
    static std::once_flag registered;
    std::call_once(registered, [] { (void)::on_exit(&end_at_once, nullptr); });
}

struct cancel_closer
{
    void operator()(pg_cancel* request) const noexcept { PQfreeCancel(request); }
};
using cancel_handle = std::unique_ptr<pg_cancel, cancel_closer>;

void cancel_and_leave(const cancel_handle& request) noexcept
{
    // A thread inherits the pinning of the shard that starts it; this gives it what the process was given.
    cpu_set_t whole;
    if (sched_getaffinity(getpid(), sizeof whole, &whole) == 0) sched_setaffinity(0, sizeof whole, &whole);
    std::array<char, 256> reason{}; // told to nobody: the process may be ending, and its log with it
    (void)PQcancel(request.get(), reason.data(), static_cast<int>(reason.size()));
    cancellations.fetch_sub(1, std::memory_order_relaxed);
}

// As libpq reads them: the environment's, where the URL names none.
bool has_several_hosts(const std::string& url)
{
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> all(PQconninfoParse(url.c_str(), nullptr),
                                                                             &PQconninfoFree);
    for (const PQconninfoOption* one = all.get(); one != nullptr && one->keyword != nullptr; ++one) {
        const std::string_view keyword = one->keyword;
        if (keyword != "host" && keyword != "hostaddr") continue;
        const char* value = one->val != nullptr ? one->val : std::getenv(one->envvar);
        if (value != nullptr && std::string_view(value).contains(',')) return true;
    }
    return false;
}

result<connection_handle> connect_here(const connect_request& request)
{
    const std::string seconds =
        std::to_string(std::max<std::int64_t>(2, std::chrono::ceil<std::chrono::seconds>(request.timeout).count()));
    // Of several hosts libpq takes any, unless it is asked otherwise: a standby, too, which only reads, and old rows.
    const char* wanted =
        has_several_hosts(request.url) && std::getenv("PGTARGETSESSIONATTRS") == nullptr ? "read-write" : nullptr;
    // What comes before the URL may be overridden by it, what comes after may not.
    const std::array<const char*, 10> names = {"connect_timeout",           "target_session_attrs",
                                               "fallback_application_name", "keepalives_idle",
                                               "keepalives_interval",       "keepalives_count",
                                               "tcp_user_timeout",          "dbname",
                                               "client_encoding",           nullptr};
    const std::array<const char*, 10> values = {seconds.c_str(),     wanted, "sluice", "10", "5", "3", "20000",
                                                request.url.c_str(), "UTF8", nullptr};
    connection_handle made(PQconnectdbParams(names.data(), values.data(), 1));
    if (made == nullptr) return fail(unavailable("no memory for a connection"));
    if (PQstatus(made.get()) != CONNECTION_OK) return fail(unavailable(message_of(made.get())));
    PQsetNoticeReceiver(made.get(), [](void*, const pg_result* notice) { note(notice); }, nullptr);
    return made;
}

// What `local` acknowledges is on the disk; what `off` does may be lost. Only a warning tells of a commit that has
// ceased to wait for a standby. A value that was set for the session or the transaction stays, whatever a reload
// brings.
std::string acknowledging_what_is_durable(bool of_transaction)
{
    return fmt::format("set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
                       "WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, {0}), "
                       "set_config('client_min_messages', CASE current_setting('client_min_messages') "
                       "WHEN 'error' THEN 'warning' ELSE current_setting('client_min_messages') END, {0})",
                       of_transaction);
}
// How long a statement may run there, in milliseconds; 0: for ever.
constexpr const char* ask_timeout =
    "SELECT (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::int8";
const std::string begin_session = fmt::format("{}, {}", ask_timeout, acknowledging_what_is_durable(false));
// The process that serves it, if what runs there may cancel that, and since when its server runs. Not with the other: a
// server that does not tell is as good.
const std::string ask_back_end =
    fmt::format("SELECT pg_backend_pid() * pg_has_role(session_user, 'USAGE')::int || ' ' || {}", server_began);

back_end read_back_end(std::string_view said, const pg_conn& connection)
{
    back_end read;
    const char* const last = said.data() + said.size();
    const auto [end, failure] = std::from_chars(said.data(), last, read.process);
    // A pooler gives its clients numbers of its own.
    if (failure != std::errc() || end == last || read.process != PQbackendPID(&connection)) return {};
    return std::from_chars(end + 1, last, read.server_began).ec == std::errc() ? read : back_end();
}
const std::string durable_transaction = fmt::format("SELECT {}", acknowledging_what_is_durable(true));

} // namespace

const char* to_be_durable() noexcept { return durable_transaction.c_str(); }

void connection_closer::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }
void result_closer::operator()(pg_result* given) const noexcept { PQclear(given); }

result<connection_handle> connect(const connect_request& request)
{
    // Shared by both threads; the one that comes last ends it.
    struct attempt
    {
        connect_request wanted;
        std::mutex mutex;
        std::condition_variable_any ended;
        std::optional<result<connection_handle>> made;
    };
    const auto shared = std::make_shared<attempt>();
    shared->wanted = {.url = request.url, .timeout = request.timeout};
    ++connecting;
    try {
        std::thread([own = shared]() mutable {
            auto made = connect_here(own->wanted);
            {
                const std::scoped_lock lock(own->mutex);
                own->made = std::move(made);
                own->ended.notify_all();
            }
            own.reset(); // may close what nobody waited for
            --connecting;
        }).detach();
    } catch (const std::system_error&) {
        --connecting;
        return fail(unavailable("no thread for a connection"));
    }
    std::unique_lock lock(shared->mutex);
    if (!shared->ended.wait(lock, request.stop, [&shared] { return shared->made.has_value(); })) {
        leave_behind();
        return fail(unavailable("nobody waits for the connection any more"));
    }
    return *std::move(shared->made);
}

result<std::string> ask(pg_conn& connection, const char* statement, const connect_request& request)
{
    const cut_off stopped(PQsocket(&connection), request.stop);
    const auto until = steady_clock::now() + request.timeout;
    if (PQsendQuery(&connection, statement) != 1) return fail(unavailable(message_of(&connection)));
    result<std::string> said;
    for (;;) {
        while (PQisBusy(&connection) != 0) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
            pollfd answer = {.fd = PQsocket(&connection), .events = POLLIN, .revents = 0};
            if (left <= 0 || ::poll(&answer, 1, static_cast<int>(std::min<std::int64_t>(left, INT_MAX))) == 0)
                return fail(unavailable("the server took the connection, and answers no statement"));
            if (PQconsumeInput(&connection) != 1) return fail(unavailable(message_of(&connection)));
        }
        const result_handle one(PQgetResult(&connection));
        if (one == nullptr) return said;
        const auto status = PQresultStatus(one.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
            said = fail(unavailable(message_of(&connection)));
        else if (said && PQntuples(one.get()) > 0)
            said = PQgetvalue(one.get(), 0, 0);
    }
}

result<pipelined_connection> connect_pipelined(const connect_request& request, bool own_session)
{
    const auto began = steady_clock::now();
    auto made = connect(request);
    if (!made) return fail(std::move(made.error()));
    pg_conn* c = made->get();
    auto said = ask(*c, own_session ? begin_session.c_str() : ask_timeout, request);
    std::int64_t statement_ms = 0;
    if (said) (void)std::from_chars(said->data(), said->data() + said->size(), statement_ms);
    const auto served_by = said && own_session ? ask(*c, ask_back_end.c_str(), request) : result<std::string>();
    // The least of a few: what is made on a busy machine is not far away.
    duration round_trip = duration::max();
    for (int i = 0; said && i < pings; ++i) {
        const auto asked = steady_clock::now();
        said = ask(*c, "", request);
        round_trip = std::min(round_trip, steady_clock::now() - asked);
    }
    if (!said) return fail(std::move(said.error()));
    if (PQsetnonblocking(c, 1) != 0 || PQenterPipelineMode(c) != 1) return fail(unavailable(message_of(c)));
    const server_kind wanted = wanted_kind(*c);
    const back_end process = served_by ? read_back_end(*served_by, *c) : back_end();
    return pipelined_connection{.handle = std::move(*made),
                                .took = steady_clock::now() - began,
                                .round_trip = round_trip,
                                .statement_timeout = std::chrono::milliseconds(statement_ms),
                                .wanted = wanted,
                                .served_by = process};
}

result<void> accept_version(int version)
{
    if (version >= oldest_version) return {};
    return fail(error{.code = errc::internal,
                      .detail = fmt::format("PostgreSQL {} is too old: 15 or later is needed", version / 10'000),
                      .dependency = dependency});
}

server_kind wanted_kind(pg_conn& connection)
{
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> all(PQconninfo(&connection), &PQconninfoFree);
    for (const PQconninfoOption* one = all.get(); one != nullptr && one->keyword != nullptr; ++one)
        if (std::string_view(one->keyword) == "target_session_attrs" && one->val != nullptr) {
            if (std::string_view(one->val) == "read-write") return server_kind::read_write;
            if (std::string_view(one->val) == "primary") return server_kind::primary;
        }
    return server_kind::any;
}

bool is_left_for_another(const pg_conn& connection, server_kind wanted) noexcept
{
    const auto is_on = [&connection](const char* name) {
        const char* setting = PQparameterStatus(&connection, name);
        return setting != nullptr && std::string_view(setting) == "on";
    };
    if (wanted == server_kind::any) return false;
    return is_on("in_hot_standby") || (wanted == server_kind::read_write && is_on("default_transaction_read_only"));
}

void note(const pg_result* notice)
{
    std::string_view line = PQresultErrorMessage(notice);
    while (line.ends_with('\n')) line.remove_suffix(1);
    log(log_level::debug, "PostgreSQL has a notice", {{"notice", line}});
}

bool cancel_running(pg_conn& connection) noexcept
{
    if (cancellations.fetch_add(1, std::memory_order_relaxed) >= cancellations_max) {
        cancellations.fetch_sub(1, std::memory_order_relaxed);
        return false;
    }
    cancel_handle request(PQgetCancel(&connection));
    try {
        std::thread([r = std::move(request)] { cancel_and_leave(r); }).detach();
    } catch (const std::system_error&) {
        cancellations.fetch_sub(1, std::memory_order_relaxed);
        return false;
    }
    return true;
}

} // namespace sluice::postgres

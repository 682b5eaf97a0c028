#include "postgres/connect.hpp"

#include "postgres/errors.hpp"

#include <sluice/core/log.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <libpq-fe.h>
#include <sched.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace sluice::postgres {

namespace {

constexpr int cancellations_max = 4;
std::atomic<int> cancellations = 0;

void note(void*, const char* text)
{
    std::string_view line = text;
    while (line.ends_with('\n')) line.remove_suffix(1);
    log(log_level::debug, "PostgreSQL has a notice", {{"notice", line}});
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

bool is_for_writes(pg_conn* connection)
{
    const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> all(PQconninfo(connection), &PQconninfoFree);
    for (const PQconninfoOption* one = all.get(); one != nullptr && one->keyword != nullptr; ++one)
        if (std::string_view(one->keyword) == "target_session_attrs" && one->val != nullptr)
            return std::string_view(one->val) == "read-write";
    return false;
}

} // namespace

void connection_closer::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }

result<connection_handle> connect(const connect_request& request)
{
    const std::string seconds =
        std::to_string(std::max<std::int64_t>(2, std::chrono::ceil<std::chrono::seconds>(request.timeout).count()));
    // What comes before the URL may be overridden by it, what comes after may not.
    const std::array<const char*, 9> names = {"connect_timeout",
                                              "fallback_application_name",
                                              "keepalives_idle",
                                              "keepalives_interval",
                                              "keepalives_count",
                                              "tcp_user_timeout",
                                              "dbname",
                                              "client_encoding",
                                              nullptr};
    const std::array<const char*, 9> values = {seconds.c_str(),     "sluice", "10",   "5", "3", "20000",
                                               request.url.c_str(), "UTF8",   nullptr};
    connection_handle made(PQconnectdbParams(names.data(), values.data(), 1));
    if (made == nullptr) return fail(unavailable("no memory for a connection"));
    if (PQstatus(made.get()) != CONNECTION_OK) return fail(unavailable(message_of(made.get())));
    PQsetNoticeProcessor(made.get(), &note, nullptr);
    return made;
}

result<pipelined_connection> connect_pipelined(const connect_request& request, bool own_session)
{
    auto made = connect(request);
    if (!made) return fail(std::move(made.error()));
    pg_conn* c = made->get();
    if (own_session)
        PQclear(PQexec(c, "SELECT set_config('synchronous_commit', 'on', false) "
                          "WHERE current_setting('synchronous_commit') = 'off'"));
    const auto asked = steady_clock::now();
    PQclear(PQexec(c, ""));
    const auto answered = steady_clock::now();
    if (PQsetnonblocking(c, 1) != 0 || PQenterPipelineMode(c) != 1) return fail(unavailable(message_of(c)));
    const bool for_writes = is_for_writes(c);
    return pipelined_connection{.handle = std::move(*made), .round_trip = answered - asked, .for_writes = for_writes};
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

// Calls to other services over HTTP/1.1, from a handler or any task of a shard.
//
//     auto answer = co_await http.get("http://127.0.0.1:8081/users/7");
//     if (!answer) co_return fail(answer.error());
//     if (answer->status() != http::status::ok) …
//
// Connections are kept and used again, so many a shard for each origin; at that bound, and where one works and no other
// can be made, calls wait for one, and at the bound of those that wait they are refused. Every call ends: by its
// timeout, by the deadline of the request whose task makes it, or because that request's client has gone away. It
// carries the request's trace (`traceparent`, with a span of its own, and `tracestate`). Redirects are not followed,
// bodies not decompressed; https is refused.
//
// What it gives: the answer, whatever its status, or an error: `unavailable` (not reached, gone, or not answering in
// HTTP within bounds), `timeout`, `outcome_unknown` (POST and PATCH that were sent: gone, or not answered in HTTP
// within bounds, so that it may have been done), `cancelled`, or `internal` (a call that is wrong by itself: its URL or
// a field). GET, HEAD, OPTIONS, PUT and DELETE are made once more if a kept connection proved closed before anything of
// an answer came; nothing else is repeated.
//
// In steady state a call allocates nothing but from the thread's pool. Owned by a shard, used on it alone; it must die
// on it, after the shard's background tasks (shard::own does that). telemetry/http_client_metrics.hpp shows its
// numbers.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/latency_histogram.hpp>
#include <sluice/core/published.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/http/answer.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/http/method.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

class client_state;

struct client_options
{
    duration connect_timeout = std::chrono::seconds(1); // name look-up included
    duration timeout = std::chrono::seconds(30);        // of a whole call
    duration idle_timeout = std::chrono::seconds(30);   // a kept connection is closed after it
    std::size_t connections_max = 32;                   // to one origin
    std::size_t waiting_max = 1024;                     // calls to one origin without a connection
    std::size_t origins_max = 256; // at it the one not called for the longest time gives up its idle connections
    answer_limits limits = {};
    std::string user_agent = "sluice";
};

// One call. What it refers to must outlive the task, as what stands in the expression that awaits it does.
struct call
{
    http::method method = method::get;
    // http://HOST[:PORT][/PATH][?QUERY], or http://unix:/SOCKET:/PATH
    std::string_view url = {};
    // Host, framing, Connection and the trace's fields are the client's to write: a call with one of them is refused.
    std::span<const header> headers = {};
    std::string_view body = {};
    std::string_view content_type = {};
    duration timeout = {}; // zero: the client's
};

// Is it a URL that a call may have? The error says why not.
[[nodiscard]] result<void> check_url(std::string_view url);

// Changed on the shard; any thread may read them.
struct client_counters
{
    // Now:
    published<unsigned> busy;    // connections that are being made or in use
    published<unsigned> idle;    // and those that are kept
    published<unsigned> waiting; // calls
    published<unsigned> origins;
    // Since the start:
    event_count calls;
    event_count answers;
    event_count connects;
    event_count failed_connects;
    event_count reused;     // exchanges on a kept connection
    event_count repeated;   // calls made once more
    event_count timeouts;   // calls
    event_count cancelled;  // calls
    event_count refused;    // calls, at a bound
    event_count unreached;  // calls for which no connection could be made
    event_count lost;       // connections that ended, or broke HTTP, in an exchange
    latency_histogram took; // calls, answered or not, waiting for a connection included
};

class client
{
public:
    // `blocking` looks up names. It outlives the client.
    client(shard& on, offload_pool& blocking, client_options options = {});
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    [[nodiscard]] task<result<answer>> get(std::string_view url, std::span<const header> headers = {})
    {
        return send({.method = method::get, .url = url, .headers = headers});
    }
    [[nodiscard]] task<result<answer>> post(std::string_view url, std::string_view body, std::string_view content_type,
                                            std::span<const header> headers = {})
    {
        return send(
            {.method = method::post, .url = url, .headers = headers, .body = body, .content_type = content_type});
    }
    [[nodiscard]] task<result<answer>> put(std::string_view url, std::string_view body, std::string_view content_type,
                                           std::span<const header> headers = {})
    {
        return send(
            {.method = method::put, .url = url, .headers = headers, .body = body, .content_type = content_type});
    }
    [[nodiscard]] task<result<answer>> del(std::string_view url, std::span<const header> headers = {})
    {
        return send({.method = method::delete_, .url = url, .headers = headers});
    }
    [[nodiscard]] task<result<answer>> send(call what);

    [[nodiscard]] const client_counters& counters() const noexcept;

private:
    std::unique_ptr<client_state> state_;
};

} // namespace sluice::http

#pragma GCC visibility pop

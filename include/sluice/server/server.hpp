// The server: listeners, shards, the drain. An application's main() is options, wiring, run().
//
//     sluice::server server({.listen = {"127.0.0.1:8080"}});
//     server.on_shard([&](shard& s, router& routes) { hello_routes(routes, s.own<hello_service>()); });
//     if (auto ended = server.run(); !ended) …
//
// on_shard's function is called once on each shard's own thread, before it accepts; what it makes with shard::own lives
// there. run() binds first and fails at once if an address is in use, blocks until SIGTERM or SIGINT (or stop()),
// drains and returns. An application that has more to prepare, a database for example, calls bind() before it does.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/core/units.hpp>
#include <sluice/http/ip.hpp>
#include <sluice/http/limits.hpp>
#include <sluice/middleware/access_log.hpp>
#include <sluice/route/router.hpp>
#include <sluice/shard/busy_poll.hpp>
#include <sluice/shard/shard.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

struct server_options
{
    std::vector<std::string> listen = {
        "127.0.0.1:8080"};         // "ADDR:PORT", "[v6]:PORT" or "unix:/path"; port 0: a free one
    std::string admin_listen = {}; // served by shard 0; empty: none
    unsigned shards = 0;           // 0: one for each CPU that the process may use
    http::limits limits = {};
    duration header_timeout = std::chrono::seconds(10);
    duration body_timeout = std::chrono::seconds(30);
    duration idle_timeout = std::chrono::seconds(75);
    duration request_timeout = std::chrono::seconds(30);
    duration shutdown_grace = std::chrono::seconds(30);
    std::size_t connections = 0; // of the process, but for the admin listener's; 0: what the file limit allows
    busy_poll_mode busy_poll = busy_poll_mode::automatic;
    duration busy_poll_time = {};             // for fixed
    http::trusted_peers trusted_proxies = {}; // whose Forwarded, X-Forwarded-For and X-Log-Debug count
    access_log_options access_log = {};       // whether answers have a line each, and which
    bool metrics = true;                      // requests by method, route and status (server/metrics_routes.hpp)
    bool handle_signals = true;               // SIGTERM and SIGINT drain
};

class server
{
public:
    using wiring = std::function<void(shard&, router&)>;

    explicit server(server_options options);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    void on_shard(wiring wire);
    void on_admin(wiring wire);
    // Called once, when every listener accepts, with their bound addresses ("127.0.0.1:40123").
    void on_ready(std::function<void(const std::vector<std::string>& listening)> tell);
    // Called for SIGHUP, on the thread that called run().
    void on_hangup(std::function<void()> reload);

    // Takes the addresses. Clients that come before run() accepts wait in the kernel's queues.
    [[nodiscard]] result<void> bind();
    [[nodiscard]] result<void> run();
    // From any thread: begin to drain.
    void stop() noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

// Is the server draining? For readiness. Any thread.
[[nodiscard]] bool draining() noexcept;

} // namespace sluice

#pragma GCC visibility pop

// shard_server: the server's part on one shard: routers, acceptors, sessions, and their end.
//
// Owner: the shard (shard::own). Thread: its shard's.
#pragma once

#include "server/acceptor.hpp"
#include "server/exchange.hpp"
#include "server/request_metrics.hpp"
#include "server/session.hpp"
#include "server/shard_view.hpp"
#include "server/slow_requests.hpp"

#include <sluice/ring/probe.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace sluice {

// Any thread may read them.
struct server_counters
{
    event_count accepted;
    event_count accept_pauses; // for want of descriptors, memory or room below the limit
    event_count closed;
};

// The connections of the process, which its shards share: touched when one comes and when one goes. Any thread.
struct connection_count
{
    std::size_t max = 0;
    std::atomic<std::size_t> open{0};

    // How many more there may be. Shards that find the last place at the same time each take it.
    [[nodiscard]] std::size_t room() const noexcept
    {
        const std::size_t now = open.load(std::memory_order_relaxed);
        return now < max ? max - now : 0;
    }
};

// Each kind has places of its own, so that a server whose clients have taken theirs can be watched.
struct connection_counts
{
    connection_count api;
    connection_count admin{.max = admin_connections_max};
};

class shard_server
{
public:
    shard_server(shard& here, const server_options& options, connection_counts& connections);
    ~shard_server();
    shard_server(const shard_server&) = delete;
    shard_server& operator=(const shard_server&) = delete;

    // Of this thread's shard; asserts that there is one.
    [[nodiscard]] static shard_server& current() noexcept;

    [[nodiscard]] router& api() noexcept { return api_; }
    [[nodiscard]] router& admin() noexcept { return admin_; }
    void listen(int fd, const router& routes);
    void freeze(); // after the wiring: its routers are complete
    void start();  // accepts

    // Stops accepting once the queue is empty, answers what is under way, then finishes the shard; at `until` at the
    // latest.
    void drain(time_point until);

    // --- For acceptors and sessions.
    void accepted(int fd, const router& routes);
    // Among which those to a listener of these routes count.
    [[nodiscard]] connection_count& connections_to(const router& routes) const noexcept
    {
        return &routes == &admin_ ? connections_.admin : connections_.api;
    }
    // As many as the queues of all shards may hold, and some that come meanwhile.
    [[nodiscard]] std::size_t burst_max() const noexcept;
    [[nodiscard]] exchange& borrow_exchange();
    void give_back(exchange& done, bool clean) noexcept;
    void bury(session& dead) noexcept;
    void acceptor_stopped() { finish_if_done(); }
    [[nodiscard]] std::string_view date() noexcept;
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    [[nodiscard]] shard& here() noexcept { return here_; }
    [[nodiscard]] scope& handlers() noexcept { return handlers_; }
    [[nodiscard]] const server_options& options() const noexcept { return options_; }
    // What is going on, for those who watch.
    [[nodiscard]] shard_view view();
    [[nodiscard]] server_counters& counters() noexcept { return counters_; }
    [[nodiscard]] sluice::metric_set& metric_set() noexcept { return metric_set_; }
    [[nodiscard]] request_metrics& metrics() noexcept { return metrics_; }
    // Where the numbers of all shards are written out, so that it is no part of a turn. Made when somebody first asks.
    [[nodiscard]] offload_pool& scrapes();
    [[nodiscard]] slow_requests& slowest() noexcept { return slowest_; }
    void request_began(exchange& of, const router& by) noexcept
    {
        of.under_way = true;
        under_way_.push_back(of);
        of.is_load = &by != &admin_;
        if (of.is_load) metrics_.began();
    }
    void request_ended(exchange& of) noexcept
    {
        if (!std::exchange(of.under_way, false)) return;
        of.unlink();
        if (of.is_load) metrics_.ended();
    }

private:
    void bury_dead();
    void grace_is_over();
    void finish_if_done();

    sluice::metric_set metric_set_; // outlives what counts in it
    shard& here_;
    const server_options& options_;
    connection_counts& connections_;
    router api_;
    router admin_;
    std::vector<std::unique_ptr<acceptor>> acceptors_;
    intrusive_list<session, session> sessions_;
    intrusive_list<session, session> dead_;
    std::size_t session_count_ = 0;
    std::vector<std::unique_ptr<exchange>> free_exchanges_;
    scope handlers_;
    bound<ready, &shard_server::bury_dead> burial_{*this};
    bound<timer, &shard_server::grace_is_over> grace_{*this};
    bool draining_ = false;
    std::array<char, 29> date_{};
    time_point date_until_{};
    server_counters counters_;
    request_metrics metrics_;
    intrusive_list<exchange, exchange> under_way_; // the oldest first
    slow_requests slowest_;
    std::unique_ptr<offload_pool> scrapes_;
};

} // namespace sluice

// shard_server: the server's part on one shard: routers, acceptors, sessions, and their end.
//
// Owner: the shard (shard::own). Thread: its shard's.
#pragma once

#include "server/acceptor.hpp"
#include "server/exchange.hpp"
#include "server/session.hpp"

#include <sluice/route/router.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/shard.hpp>

#include <array>
#include <functional>
#include <memory>
#include <vector>

namespace sluice {

struct server_counters
{
    std::uint64_t accepted = 0;
    std::uint64_t accept_pauses = 0; // for want of descriptors, memory or room below the limit
    std::uint64_t requests = 0;
};

class shard_server
{
public:
    shard_server(shard& here, const server_options& options, std::size_t connections_max);
    ~shard_server();

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
    // How many more connections there may be.
    [[nodiscard]] std::size_t room() const noexcept
    {
        return session_count_ < connections_max_ ? connections_max_ - session_count_ : 0;
    }
    [[nodiscard]] exchange& borrow_exchange();
    void give_back(exchange& done, bool clean) noexcept;
    void bury(session& dead) noexcept;
    void acceptor_stopped() { finish_if_done(); }
    [[nodiscard]] std::string_view date() noexcept;
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    [[nodiscard]] shard& here() noexcept { return here_; }
    [[nodiscard]] scope& handlers() noexcept { return handlers_; }
    [[nodiscard]] const server_options& options() const noexcept { return options_; }
    [[nodiscard]] server_counters& counters() noexcept { return counters_; }

private:
    void bury_dead();
    void grace_is_over();
    void finish_if_done();

    shard& here_;
    const server_options& options_;
    std::size_t connections_max_;
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
};

} // namespace sluice

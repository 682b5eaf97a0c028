// What a client knows of one origin: its connections, and the calls that wait for one.
//
// The newest idle connection is used first, so that those not needed expire. A call that finds none idle waits in
// order, and a connection is made for it within the bound; whichever is free first is given to the one that came first.
// Where none can be made and none is there, all who wait are told at once; where one is there they wait for it, and
// now and then another is tried, one at a time. Owned by client_state.
#pragma once

#include "client/connection.hpp"
#include "client/url.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/shard/timer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

class origin final : connection_owner
{
public:
    // A call without a connection, in the frame of its coroutine.
    struct waiter : list_node<waiter>
    {
        wait finished;
        client_connection* given = nullptr; // use it at once, or give it back
    };

    // What its client says holds for all of them.
    struct shared
    {
        shard& on;
        offload_pool& blocking;
        const client_options& options;
        client_counters& counters;
        bool stopping = false; // no connection is kept any more
    };

    origin(shared& of, const url& where);
    ~origin();

    [[nodiscard]] bool is(std::string_view authority) const noexcept;
    // Nobody uses it, and it has no connection.
    [[nodiscard]] bool unused() const noexcept { return users == 0 && connections_ == 0; }

    // Null: none is idle.
    [[nodiscard]] client_connection* take_idle() noexcept;
    // False at the bound of those that wait.
    [[nodiscard]] bool join(waiter& who);
    // Before `who` was given a connection or was told that there is none.
    void leave(waiter& who);
    // Given and not used.
    void give_back(client_connection& unused);
    // The idle ones are not to be trusted.
    void drop_idle();
    // None is kept any more, and none made for nobody.
    void on_stop();
    // Nobody will use it any more: it keeps no connection, and is unused() once the last one is closed.
    void retire();

    std::size_t users = 0;  // calls that refer to it
    time_point called_at{}; // last

private:
    // To make a connection, in the frame of the coroutine that does.
    struct attempt : list_node<attempt>
    {
        stop_source given_up;
    };

    void released(client_connection& which) override;
    void ended(client_connection& which) override;

    void make_connections();
    void lose_patience();
    [[nodiscard]] task<void> keep(std::unique_ptr<client_connection> made);
    [[nodiscard]] task<result<void>> open(client_connection& made, stop_source& given_up);
    void not_made(const error& why);
    void waits_no_more();
    void give_up_what_nobody_awaits();

    shared& shared_;
    std::string authority_, host_, socket_;
    std::uint16_t port_;
    context background_{.task = "http::client: to connect"}; // of the tasks that make connections
    std::size_t connections_ = 0;
    std::size_t opening_ = 0; // as long as the list of attempts
    std::size_t waiting_ = 0;
    bool retired_ = false;
    pooled_vector<client_connection*> idle_;
    intrusive_list<waiter, waiter> waiters_;
    intrusive_list<attempt, attempt> attempts_;
    std::string said_;                                        // of the outage that goes on
    unsigned failures_ = 0;                                   // since a connection was made
    bound<timer, &origin::make_connections> patience_{*this}; // armed: none is made before that
};

} // namespace sluice::http

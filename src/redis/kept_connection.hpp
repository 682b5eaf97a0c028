// A connection to Redis that is there whenever it can be: made, greeted, and made again after every loss.
//
// One task makes connections, one after the other, for as long as the shard lives, later and later after failures.
// Redis is *away* from when a connection could not be made, or its user gives it up, until another has been greeted.
// What comes is read within bounds and handed to the user reply by reply.
//
// Owned by its user, on one shard; its task belongs to the shard's background, which ends before it dies (asserted).
#pragma once

#include "redis/connection.hpp"
#include "redis/greeting.hpp"
#include "redis/reader.hpp"
#include "redis/said_once.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/published.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/wait.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::redis {

// Called on the shard, and must not destroy the connection.
class connection_user
{
public:
    virtual void greeted() = 0; // send() may be used from now on
    virtual void sent() = 0;
    virtual void took(reply r) = 0;
    // It had been greeted, and will give nothing any more.
    virtual void lost() = 0;
    // The kernel is done with what was to be sent.
    virtual void released() = 0;
    virtual void away() = 0;     // an attempt to connect has failed
    virtual void stopping() = 0; // end() when nothing is missing
    virtual void ended() = 0;    // there will be none any more

protected:
    ~connection_user() = default;
};

// Changed on the shard; any thread may read them.
struct connection_counters
{
    published<bool> greeted; // now, and not lost
    published<bool> away;    // now
    event_count connects;
    event_count failed_connects;
    event_count losses; // that nobody had asked for
};

class kept_connection final : connection_owner
{
public:
    struct options
    {
        location where;
        std::string name;
        duration connect_timeout;
        std::size_t reply_bytes_max;
    };
    kept_connection(shard& on, offload_pool& blocking, options o, connection_user& user);
    ~kept_connection();
    kept_connection(const kept_connection&) = delete;
    kept_connection& operator=(const kept_connection&) = delete;

    [[nodiscard]] bool is_greeted() const noexcept { return counters_.greeted; }
    [[nodiscard]] bool is_away() const noexcept { return counters_.away; }
    [[nodiscard]] bool has_ended() const noexcept { return ended_; }
    [[nodiscard]] time_point greeted_at() const noexcept { return greeted_at_; }
    [[nodiscard]] time_point heard_at() const noexcept { return heard_at_; }                // when bytes came last
    [[nodiscard]] const std::string& run_id() const noexcept { return greeting_.run_id(); } // of the last greeting
    [[nodiscard]] const connection_counters& counters() const noexcept { return counters_; }

    // While greeted, one at a time, until sent() or released().
    void send(std::string_view bytes) { connection_->send(bytes); }
    // The connection, if there is one. Without a reason it was meant to end. Another follows, unless the shard stops.
    void end(std::string why);
    // Redis is away, as its user has found out.
    void give_up(std::string why);

private:
    // connection_owner:
    void received(std::string_view bytes) override;
    void sent() override;
    void ended() override;

    [[nodiscard]] task<void> keep();
    [[nodiscard]] task<std::string> connect_to_any();
    [[nodiscard]] task<result<void>> serve_at(const socket_address& where, time_point limit);
    [[nodiscard]] task<result<void>> greet(time_point limit);
    void take(reply r);
    void look_at_greeting();
    void become_greeted();
    void become_lost();
    void not_connected(const std::string& why);
    [[nodiscard]] task<void> pause(duration how_long);
    void on_stop();

    shard& shard_;
    offload_pool& blocking_;
    options options_;
    connection_user& user_;
    context background_{.task = "Redis: to connect"};
    greeting greeting_;
    reader reader_;
    connection* connection_ = nullptr; // while there is a socket
    wait* greets_ = nullptr;           // while the greeting's answers are awaited
    wait* pauses_ = nullptr;           // while it is not tried to connect
    time_point greeted_at_ = {};
    time_point heard_at_ = {};
    bool greeting_sent_ = false;
    bool served_ = false; // greeted, and lost or not
    bool stopping_ = false;
    bool ended_ = false;
    unsigned failures_ = 0; // to connect, one after the other
    unsigned brief_ = 0;    // connections that did not last, one after the other
    said_once said_;        // of what goes on
    bool said_no_run_id_ = false;
    connection_counters counters_;
    bound<stop_callback, &kept_connection::on_stop> stop_{*this};
};

} // namespace sluice::redis

// One connection to an origin: it is made, carries one exchange after the other, and ends.
//
// It tells its owner three things, each once: that it can carry an exchange (again), that it was never made, that it is
// gone. What the kernel reads for it (the request's bytes) is its own, so a call may leave at any time; the connection
// then ends, since what would come next is that call's answer. Owned by a task of its own (origin::keep). Thread: its
// shard's.
#pragma once

#include "http/answer_parser.hpp"
#include "shard/name_lookup.hpp"

#include <sluice/client/client.hpp>
#include <sluice/core/bound.hpp>
#include <sluice/core/buffer.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/ring/operation.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/timer.hpp>
#include <sluice/shard/wait.hpp>

#include <optional>
#include <span>
#include <string>

namespace sluice::http {

// A call on a connection, in the frame of the coroutine that waits for it.
struct exchange
{
    enum class end : std::uint8_t
    {
        answered,
        lost,      // the connection ended before the answer did
        stale,     // it did so on a kept connection, before anything of an answer came
        malformed, // what came is no answer, or an ambiguous one
        too_large,
    };
    wait finished = {};
    std::optional<end> how = {};
    answer got = {};
};

class client_connection;

class connection_owner
{
public:
    // Nothing is under way on it, and it can carry an exchange.
    virtual void released(client_connection& which) = 0;
    // It has ended between exchanges, or after one: it carries no more.
    virtual void ended(client_connection& which) = 0;

protected:
    ~connection_owner() = default;
};

class client_connection
{
public:
    static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { pool_deallocate(block, bytes); }

    client_connection(shard& on, connection_owner& owner) noexcept : shard_(on), owner_(owner) {}
    ~client_connection() { SLUICE_ASSERT(fd_ < 0 && call_ == nullptr); }
    client_connection(const client_connection&) = delete;
    client_connection& operator=(const client_connection&) = delete;

    // Tries the addresses one after the other, until the deadline or the stop of `in_time`, which has both. Once;
    // close() must follow, whatever this gives.
    [[nodiscard]] task<result<void>> open(std::span<const socket_address> to, context& in_time);
    // Sends the request, and ends `with` once there is an outcome, unless leave() comes first. Not while another is
    // under way.
    void begin(buffer request, method asked, const answer_limits& bounds, exchange& with);
    void leave();
    // Nobody uses it until `when`: then it ends.
    void rest_until(time_point when) { shard_.timers().arm(idle_, when); }
    void end();

    [[nodiscard]] bool was_used() const noexcept { return exchanges_ > 0; }
    [[nodiscard]] bool has_ended() const noexcept { return ended_.ended() == wait_end::completed; }
    [[nodiscard]] wait& ended() noexcept { return ended_; } // one waiter
    [[nodiscard]] task<void> close();

private:
    [[nodiscard]] task<std::int32_t> connect(const socket_address& to, context& in_time, time_point limit);
    void on_connected(completion what);
    void on_sent(completion what);
    void on_received(completion what);
    void take(std::string_view bytes);
    void answered(bool nothing_follows);
    void input_ended(bool orderly);
    void settle(exchange::end how);
    void receive();
    void come_to_rest();

    shard& shard_;
    connection_owner& owner_;
    int fd_ = -1;
    std::int32_t connected_ = 0; // what the kernel said
    std::uint64_t exchanges_ = 0;
    exchange* call_ = nullptr;
    answer_parser parser_;
    buffer out_; // what the kernel is sending
    wait* connecting_ = nullptr;
    wait ended_;
    wait at_rest_;
    bound<operation, &client_connection::on_connected> connect_{*this};
    bound<operation, &client_connection::on_sent> send_{*this};
    bound<operation, &client_connection::on_received> receive_{*this};
    bound<timer, &client_connection::end> idle_{*this};
    bound<timer, &client_connection::receive> again_{*this};
};

} // namespace sluice::http

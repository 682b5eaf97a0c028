// One socket to Redis on a shard's ring: bytes out in one piece at a time, bytes in as they come.
//
// It knows no protocol. It ends once, by whoever says so first (the peer, a failure, its owner), and tells why; after
// that nothing is received, and close() waits until the kernel has given everything back. Owned by a coroutine's frame,
// which closes it before it dies (asserted).
#pragma once

#include "shard/name_lookup.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/ring/operation.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/timer.hpp>
#include <sluice/shard/wait.hpp>

#include <string>
#include <string_view>

namespace sluice::redis {

class connection_owner
{
public:
    virtual void received(std::string_view bytes) = 0; // valid during the call
    virtual void sent() = 0;                           // the piece that was to be sent
    virtual void ended() = 0;

protected:
    ~connection_owner() = default;
};

class connection
{
public:
    connection(shard& on, connection_owner& owner) noexcept : shard_(on), owner_(owner) {}
    ~connection() { SLUICE_ASSERT(fd_ < 0); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Connects, at most until `limit`. Once, and close() must follow, whatever this gives.
    [[nodiscard]] task<result<void>> open(const socket_address& to, time_point limit);
    // The bytes must stay until sent(), or until close() is done. Not while others are on their way.
    void send(std::string_view bytes);
    // Without a reason it was meant to end.
    void end(std::string why);

    [[nodiscard]] bool has_ended() const noexcept { return ended_.ended() == wait_end::completed; }
    // One waiter.
    [[nodiscard]] wait& ended() noexcept { return ended_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

    [[nodiscard]] task<void> close();

private:
    void on_connected(completion what);
    void on_sent(completion what);
    void on_received(completion what);
    void receive();
    void rest();

    shard& shard_;
    connection_owner& owner_;
    int fd_ = -1;
    std::int32_t connected_ = 0; // what the kernel said
    std::size_t sending_ = 0;    // bytes
    socket_address to_;
    std::string why_;
    wait opened_;
    wait ended_;
    wait at_rest_;
    bound<operation, &connection::on_connected> connect_{*this};
    bound<operation, &connection::on_sent> send_{*this};
    bound<operation, &connection::on_received> receive_{*this};
    bound<timer, &connection::receive> again_{*this};
};

} // namespace sluice::redis

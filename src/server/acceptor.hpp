// acceptor: accepts connections from one listener, on one shard, for as long as there is room.
//
// Without a descriptor or memory to be had, or at the connection limit, it stops and tries again when a connection has
// closed, or after a tenth of a second; it never spins. The kernel hands over whatever its queue holds at once, so near
// the limit connections are asked for one by one, and none comes for which there is no room. Thread: its shard's.
#pragma once

#include <sluice/core/bound.hpp>
#include <sluice/ring/operation.hpp>
#include <sluice/shard/timer.hpp>

#include <cstddef>

namespace sluice {

class router;
class shard_server;

class acceptor
{
public:
    acceptor(shard_server& server, int listener, const router& routes) noexcept;
    ~acceptor();
    acceptor(const acceptor&) = delete;
    acceptor& operator=(const acceptor&) = delete;

    void start();
    // A connection has closed: there may be room again.
    void resume();
    // Accepts what the kernel has queued already, as there is room, then closes the listener.
    void stop();
    // Closes the listener now, whatever is queued.
    void abandon();
    // stop() is done: its last completion has come.
    [[nodiscard]] bool stopped() const noexcept { return listener_ < 0 && !accept_.in_flight(); }

private:
    void on_accept(completion c);
    void pause();
    void on_retry() { resume(); }
    void accept_queued();
    [[nodiscard]] std::size_t room() const noexcept;

    shard_server& server_;
    const router& routes_;
    int listener_;
    bool paused_ = false;
    bool stopping_ = false;
    int queued_max_ = 0;      // while stopping: more than this cannot have been queued when it began
    bool one_by_one_ = false; // what is in flight accepts a single connection
    bound<operation, &acceptor::on_accept> accept_{*this};
    bound<timer, &acceptor::on_retry> retry_{*this};
};

} // namespace sluice

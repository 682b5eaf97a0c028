#include "server/acceptor.hpp"

#include "server/shard_server.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <unistd.h>

namespace sluice {

namespace {
constexpr duration retry_after = std::chrono::milliseconds(100);
}

acceptor::acceptor(shard_server& server, int listener, const router& routes) noexcept
    : server_(server), routes_(routes), listener_(listener)
{}

acceptor::~acceptor()
{
    server_.here().timers().cancel(retry_);
    if (listener_ >= 0) close(listener_);
}

void acceptor::start() { server_.here().ring().accept_multishot(listener_, accept_); }

void acceptor::on_accept(completion c)
{
    if (c.result >= 0) server_.accepted(c.result, routes_);
    if (listener_ < 0) {
        if (!c.more()) server_.acceptor_stopped();
        return;
    }
    const bool full = c.result == -EMFILE || c.result == -ENFILE || c.result == -ENOBUFS || c.result == -ENOMEM;
    if ((full || !server_.has_room()) && !paused_) {
        paused_ = true;
        ++server_.counters().accept_pauses;
        server_.here().ring().cancel(accept_);
        server_.here().timers().arm(retry_, server_.here().now() + retry_after);
    }
    // A multishot accept ends with its first error, whatever that was (a client that had gone already, say).
    if (!c.more() && !paused_) start();
}

void acceptor::resume()
{
    if (!paused_ || listener_ < 0) return;
    if (accept_.in_flight() || !server_.has_room()) { // not ended yet, or still no room
        server_.here().timers().arm(retry_, server_.here().now() + retry_after);
        return;
    }
    paused_ = false;
    server_.here().timers().cancel(retry_);
    start();
}

void acceptor::stop()
{
    if (listener_ < 0) return;
    server_.here().timers().cancel(retry_);
    accept_queued();
    server_.here().ring().cancel(accept_);
    server_.here().ring().close(std::exchange(listener_, -1));
}

// What the kernel has completed a handshake with would be reset when the listener closes.
void acceptor::accept_queued()
{
    fcntl(listener_, F_SETFL, fcntl(listener_, F_GETFL) | O_NONBLOCK);
    while (server_.has_room()) {
        const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) return;
        server_.accepted(fd, routes_);
    }
}

} // namespace sluice

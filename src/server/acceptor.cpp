#include "server/acceptor.hpp"

#include "server/listen.hpp"
#include "server/shard_server.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <unistd.h>

namespace sluice {

namespace {
constexpr duration retry_after = std::chrono::milliseconds(100);
} // namespace

acceptor::acceptor(shard_server& server, int listener, const router& routes) noexcept
    : server_(server), routes_(routes), listener_(listener)
{}

acceptor::~acceptor()
{
    server_.here().timers().cancel(retry_);
    if (listener_ >= 0) close(listener_);
}

void acceptor::start()
{
    if (room() == 0) return pause();
    one_by_one_ = room() <= server_.burst_max();
    if (one_by_one_)
        server_.here().ring().accept(listener_, accept_);
    else
        server_.here().ring().accept_multishot(listener_, accept_);
}

void acceptor::on_accept(completion c)
{
    if (c.result >= 0) server_.accepted(c.result, routes_);
    if (stopping_) {
        if (!c.more()) server_.acceptor_stopped();
        return;
    }
    if (c.more()) {
        if (!one_by_one_ && room() <= server_.burst_max()) {
            one_by_one_ = true;
            server_.here().ring().cancel(accept_);
        }
        return;
    }
    // It ends with its first error. A client that has gone already is none of ours; all else is want of something.
    const bool ours = c.result < 0 && c.result != -ECONNABORTED && c.result != -ECANCELED;
    if (ours)
        pause();
    else
        start();
}

void acceptor::pause()
{
    paused_ = true;
    ++server_.counters().accept_pauses;
    server_.here().timers().arm(retry_, server_.here().now() + retry_after);
}

void acceptor::resume()
{
    if (listener_ < 0) return;
    if (stopping_) return accept_queued();
    if (!paused_) return;
    if (room() == 0) return server_.here().timers().arm(retry_, server_.here().now() + retry_after);
    paused_ = false;
    server_.here().timers().cancel(retry_);
    start();
}

void acceptor::stop()
{
    if (stopping_) return;
    stopping_ = true;
    queued_max_ = listen_backlog + 1;
    server_.here().timers().cancel(retry_);
    server_.here().ring().cancel(accept_);
    fcntl(listener_, F_SETFL, fcntl(listener_, F_GETFL) | O_NONBLOCK);
    accept_queued();
}

// What the kernel has completed a handshake with would be reset when the listener closes. Where there is no room for
// it, it waits for a connection to close.
void acceptor::accept_queued()
{
    while (room() != 0) {
        const int fd = queued_max_-- > 0 ? accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
        if (fd < 0) return abandon();
        server_.accepted(fd, routes_);
    }
    server_.here().timers().arm(retry_, server_.here().now() + retry_after); // another shard's may have closed
}

std::size_t acceptor::room() const noexcept { return server_.connections_to(routes_).room(); }

void acceptor::abandon()
{
    if (listener_ < 0) return;
    stopping_ = true;
    server_.here().timers().cancel(retry_);
    server_.here().ring().cancel(accept_);
    server_.here().ring().close(std::exchange(listener_, -1));
    server_.acceptor_stopped();
}

} // namespace sluice

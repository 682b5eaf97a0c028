#include "server/session.hpp"

#include "server/listen.hpp"
#include "server/shard_server.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <utility>

namespace sluice {

namespace {

// A connection answers this many requests in one turn, then lets the others go first.
constexpr unsigned requests_a_turn = 64;
// How long a client may go on sending what nobody reads, before its connection is cut.
constexpr duration linger_time = std::chrono::seconds(2);
// While draining, a connection that has not said anything yet gets this long to begin.
constexpr duration drain_first_request = std::chrono::seconds(1);

} // namespace

session::session(shard_server& server, const router& routes, int fd) noexcept
    : server_(server), routes_(routes), fd_(fd)
{
    const std::string_view peer = peer_text(fd);
    client_size_ = static_cast<std::uint8_t>(peer.copy(client_, sizeof client_));
    peer_trusted_ = server_.options().trusted_proxies.trusts(peer);
}

session::~session() = default;

void session::start()
{
    server_.here().ring().receive_multishot(fd_, receive_);
    expect_by(server_.here().now() + (server_.draining() ? drain_first_request : server_.options().idle_timeout));
}

// --- Input.

void session::on_receive(completion c)
{
    if (input_ended_) { // it is the watch for a reset
        if (c.result > 0 && (c.result & (POLLERR | POLLHUP)) != 0) close();
    } else if (c.result > 0) {
        received(server_.here().ring().received(c));
        server_.here().ring().recycle(c);
    } else {
        server_.here().ring().recycle(c);
        if (c.result == 0)
            input_ended();
        else if (c.result != -ENOBUFS && c.result != -ECANCELED)
            close(); // reset by the client
    }
    if (phase_ == phase::closed) return bury_if_done();
    if (c.result == -ECANCELED && server_.draining() && quiet()) return end_if_quiet();
    // Ended for want of buffers, or as the kernel saw fit: go on. Buffers are given back before the next enter.
    update_receiving();
}

void session::received(std::string_view bytes)
{
    if (ending_) return; // thrown away
    has_asked_ = true;
    if (exchange_ == nullptr) exchange_ = &server_.borrow_exchange();
    exchange_->machine.feed(bytes);
    if (handler_running_ || output_full_ || go_on_.queued) { // not now
        exchange_->machine.keep();
        if (input_waiter_ != nullptr) input_waiter_->complete();
        return;
    }
    advance();
}

void session::input_ended()
{
    input_ended_ = true;
    if (phase_ == phase::lingering) return close();
    if (exchange_ == nullptr) return end_after_output();
    exchange_->machine.end_of_input();
    if (input_waiter_ != nullptr) input_waiter_->complete();
    if (!handler_running_ && !output_full_ && !go_on_.queued) advance();
    watch_for_reset();
}

// Nothing more will be received, and a handler is at work: does the client still wait for its answer? A multishot poll,
// since io_uring reports the half-close (POLLRDHUP) to every poll, at once; only a later event can be the reset.
void session::watch_for_reset()
{
    if (input_ended_ && handler_running_ && !receive_.in_flight())
        server_.here().ring().poll_multishot(fd_, 0, receive_);
}

// Receives while there is room for what comes, and stops while there is not.
void session::update_receiving()
{
    const std::size_t pending = exchange_ != nullptr ? exchange_->machine.pending_bytes() : 0;
    const std::size_t bound = server_.options().limits.pipelined_bytes;
    if (!paused_ && pending >= bound) {
        paused_ = true;
        server_.here().ring().cancel(receive_);
    } else if (paused_ && pending <= bound / 2) {
        paused_ = false;
    }
    if (!paused_ && !input_ended_ && !receive_.in_flight()) server_.here().ring().receive_multishot(fd_, receive_);
}

// Makes what can be made of the input: answers requests until there is nothing more to do now.
void session::advance()
{
    if (phase_ == phase::closed) return bury_if_done();
    if (advancing_ || exchange_ == nullptr) return;
    advancing_ = true;
    for (unsigned answered_now = 0; !ending_;) {
        if (output_is_full() || unwritten_) {
            output_full_ = true; // on_sent() goes on
            exchange_->machine.keep();
            enter(phase::idle);
            break;
        }
        if (answered_now == requests_a_turn) {
            exchange_->machine.keep();
            server_.here().ready().post(go_on_);
            break;
        }
        const http::event what = exchange_->machine.next();
        if (what == http::event::need_input) {
            wait_for_input();
            break;
        }
        bool goes_on = true;
        if (what == http::event::refused) {
            const http::refusal why = exchange_->machine.refused();
            refuse(why.status, why.detail);
        } else if (what == http::event::head) {
            goes_on = begin_body();
        } else {
            ++answered_now;
            goes_on = answer_request();
        }
        if (!goes_on) break;
    }
    advancing_ = false;
    if (phase_ == phase::closed) return bury_if_done();
    if (ending_ && !handler_running_) end_after_output();
    update_receiving();
}

void session::wait_for_input()
{
    if (input_ended_) { // what is incomplete will stay so
        ending_ = true;
    } else if (!exchange_->machine.in_request()) { // an empty line may be kept
        if (exchange_->machine.idle()) release_exchange();
        enter(phase::idle);
        if (server_.draining()) drain();
    } else {
        if (!body_admitted_ && phase_ != phase::reading_head) exchange_->head_began_at = server_.here().now();
        enter(body_admitted_ ? phase::reading_body : phase::reading_head);
    }
}

// --- Time and end.

void session::enter(phase p)
{
    const time_point now = server_.here().now();
    const bool changed = phase_ != p;
    phase_ = p;
    switch (p) {
    case phase::idle:
        return expect_by(now + server_.options().idle_timeout);
    case phase::reading_head:
        return changed ? expect_by(now + server_.options().header_timeout) : void();
    case phase::reading_body:
        return changed ? expect_by(now + server_.options().body_timeout) : void();
    case phase::answering:
        return expect_by(exchange_->request_context.deadline);
    case phase::ending:
        return expect_by(now + server_.options().idle_timeout);
    case phase::lingering:
        return expect_by(now + linger_time);
    case phase::closed:
        return;
    }
}

// The timer is moved only if it would come too late; if it comes too early it looks at the deadline and goes on.
void session::expect_by(time_point when)
{
    deadline_ = when;
    if (timer_.armed() && timer_at_ <= when) return;
    timer_at_ = when;
    server_.here().timers().arm(timer_, when);
}

void session::on_time()
{
    if (server_.here().now() < deadline_) return expect_by(deadline_);
    switch (phase_) {
    case phase::reading_head:
        refuse(http::status::request_timeout, "The request did not arrive in time");
        break;
    case phase::reading_body:
        refuse(http::status::request_timeout, "The body did not arrive in time");
        break;
    case phase::answering:
        exchange_->stop.request();
        return; // what waits without a deadline of its own gives up, too
    case phase::idle:
    case phase::ending:
    case phase::lingering:
        return close();
    case phase::closed:
        return;
    }
    end_after_output();
}

// No more requests: what is owed goes out, then the connection ends.
void session::end_after_output()
{
    ending_ = true;
    if (phase_ == phase::closed || phase_ == phase::lingering) return;
    release_exchange();
    enter(phase::ending);
    if (!send_.in_flight()) server_.here().at_turn_end(flush_);
}

void session::output_is_out()
{
    if (phase_ == phase::lingering) return;
    if (!linger_ || input_ended_) return close();
    // Closing with unread input would reset the connection and could take the answer with it.
    server_.here().ring().shutdown(fd_, SHUT_WR);
    enter(phase::lingering);
    update_receiving();
}

void session::drain()
{
    if (!quiet()) return; // it ends with its answer
    if (!has_asked_) return expect_by(server_.here().now() + drain_first_request);
    end_if_quiet();
}

// Between requests, and everything sent.
bool session::quiet() const noexcept
{
    const bool in_request = exchange_ != nullptr && exchange_->machine.in_request();
    return phase_ == phase::idle && !in_request && !handler_running_ && !go_on_.queued && !ending_ && unsent() == 0 &&
           large_body_ == nullptr;
}

// What has been received is answered first: completions that stand in the queue, and bytes that came after them.
void session::end_if_quiet()
{
    if (receive_.in_flight()) return server_.here().ring().cancel(receive_); // its last completion comes back here
    int waiting = 0;
    if (ioctl(fd_, SIOCINQ, &waiting) == 0 && waiting > 0) return update_receiving();
    close();
}

void session::close()
{
    if (phase_ == phase::closed) return;
    phase_ = phase::closed;
    server_.here().timers().cancel(timer_);
    sluice::ring& ring = server_.here().ring();
    ring.abandon(receive_);
    ring.cancel(send_);
    ring.close(fd_);
    if (handler_running_) exchange_->stop.request();
    if (input_waiter_ != nullptr) input_waiter_->complete();
    if (output_waiter_ != nullptr) output_waiter_->complete();
    bury_if_done();
}

void session::release_exchange()
{
    if (exchange_ == nullptr) return;
    // Its connection ended, and nothing has been said of it yet.
    if (exchange_->matched != nullptr) {
        const std::uint64_t kept = unsent() + (large_body_ != nullptr ? large_body_->rest.size() : 0);
        record_answer(http::status::client_closed_request, exchange_->bytes_out - std::min(kept, exchange_->bytes_out));
    }
    const bool clean = exchange_->machine.idle() && !input_ended_;
    server_.give_back(*std::exchange(exchange_, nullptr), clean);
}

void session::bury_if_done()
{
    if (send_.in_flight() || handler_running_ || flush_.queued || go_on_.queued || advancing_) return;
    release_exchange();
    server_.bury(*this);
}

} // namespace sluice

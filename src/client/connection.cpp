#include "client/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::http {

// --- The beginning and the end.

task<result<void>> client_connection::open(std::span<const socket_address> to, context& in_time)
{
    std::int32_t failure = ECONNREFUSED;
    for (std::size_t i = 0; i < to.size() && !in_time.stop->requested(); ++i) {
        const duration share = (in_time.deadline - shard_.now()) / static_cast<std::int64_t>(to.size() - i);
        failure = co_await connect(to[i], in_time, shard_.now() + share);
        if (failure == 0) {
            receive();
            co_return {};
        }
    }
    co_return fail(errc::unavailable, failure == ETIMEDOUT ? "it does not take the connection in time"
                                                           : std::generic_category().message(failure));
}

// Zero, or why not.
task<std::int32_t> client_connection::connect(const socket_address& to, context& in_time, time_point limit)
{
    fd_ = ::socket(to.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) co_return errno;
    if (to.bytes.ss_family != AF_UNIX) {
        const int on = 1;
        (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // without it, only slower
    }
    wait trying;
    connecting_ = &trying;
    shard_.ring().connect(fd_, reinterpret_cast<const sockaddr*>(&to.bytes), to.size, connect_);
    context* const before = context::exchange_current(&in_time);
    (void)co_await trying.until(limit);
    context::exchange_current(before);
    connecting_ = nullptr;
    const bool decided = !connect_.in_flight();
    if (decided && connected_ == 0) co_return 0;
    if (!decided) { // the kernel still reads the address
        wait given_back;
        connecting_ = &given_back;
        shard_.ring().cancel(connect_);
        (void)co_await given_back.until();
        connecting_ = nullptr;
    }
    shard_.ring().close(std::exchange(fd_, -1));
    co_return decided&& connected_ < 0 ? -connected_ : ETIMEDOUT;
}

void client_connection::on_connected(completion what)
{
    connected_ = what.result;
    if (connecting_ != nullptr) connecting_->complete();
}

void client_connection::end()
{
    if (has_ended()) return;
    if (receive_.in_flight()) shard_.ring().abandon(receive_);
    if (again_.armed()) shard_.timers().cancel(again_);
    if (idle_.armed()) shard_.timers().cancel(idle_);
    ended_.complete();
    owner_.ended(*this);
}

task<void> client_connection::close()
{
    end();
    if (fd_ < 0) co_return;
    // A send that waits for a peer that reads nothing ends with this.
    shard_.ring().shutdown(fd_, SHUT_RDWR);
    shard_.ring().cancel(send_);
    come_to_rest();
    (void)co_await at_rest_.until();
    shard_.ring().close(std::exchange(fd_, -1));
}

void client_connection::come_to_rest()
{
    if (has_ended() && !send_.in_flight()) at_rest_.complete();
}

// --- An exchange.

void client_connection::begin(buffer request, method asked, const answer_limits& bounds, exchange& with)
{
    SLUICE_ASSERT(call_ == nullptr && !has_ended() && !send_.in_flight());
    if (idle_.armed()) shard_.timers().cancel(idle_);
    call_ = &with;
    ++exchanges_;
    parser_.start(asked, bounds);
    out_ = std::move(request);
    shard_.ring().send(fd_, out_.view(), send_);
}

void client_connection::leave()
{
    call_ = nullptr;
    end();
}

void client_connection::settle(exchange::end how)
{
    exchange& with = *std::exchange(call_, nullptr);
    with.how = how;
    with.finished.complete();
}

// A send that failed is no outcome yet: the server may have answered before it closed.
void client_connection::on_sent(completion)
{
    out_.reset();
    come_to_rest();
}

void client_connection::on_received(completion what)
{
    if (what.result > 0) {
        take(shard_.ring().received(what));
        shard_.ring().recycle(what);
        if (!has_ended() && !what.more()) receive();
        return;
    }
    shard_.ring().recycle(what);
    if (what.result == -ENOBUFS) return shard_.timers().arm(again_, shard_.now()); // others give theirs back meanwhile
    input_ended(what.result == 0);
}

void client_connection::take(std::string_view bytes)
{
    if (call_ == nullptr) return end(); // nobody asked
    switch (parser_.feed(bytes)) {
    case answer_parser::state::need_input:
        return;
    case answer_parser::state::complete:
        return answered(bytes.empty());
    case answer_parser::state::failed:
        settle(parser_.why() == answer_parser::failure::malformed ? exchange::end::malformed
                                                                  : exchange::end::too_large);
        return end();
    }
}

// What comes before its request was sent whole, or with bytes behind it, leaves the connection in disorder.
void client_connection::answered(bool nothing_follows)
{
    call_->got = parser_.take();
    settle(exchange::end::answered);
    if (parser_.keep_alive() && nothing_follows && !send_.in_flight())
        owner_.released(*this);
    else
        end();
}

void client_connection::input_ended(bool orderly)
{
    if (call_ != nullptr) {
        const auto last = orderly ? parser_.end_of_input() : answer_parser::state::failed;
        if (last == answer_parser::state::complete) return answered(false);
        const bool stale = exchanges_ > 1 && !parser_.begun();
        settle(stale ? exchange::end::stale : exchange::end::lost);
    }
    end();
}

void client_connection::receive()
{
    if (!receive_.in_flight() && !has_ended()) shard_.ring().receive_multishot(fd_, receive_);
}

} // namespace sluice::http

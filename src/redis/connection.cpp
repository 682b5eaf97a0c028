#include "redis/connection.hpp"

#include "redis/errors.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::redis {

namespace {

std::string words_of(int number) { return std::generic_category().message(number); }

} // namespace

task<result<void>> connection::open(const socket_address& to, time_point limit)
{
    to_ = to;
    fd_ = ::socket(to_.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) co_return fail(unavailable(words_of(errno)));
    if (to_.bytes.ss_family != AF_UNIX) {
        const int on = 1;
        (void)::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // without it, only slower
    }
    shard_.ring().connect(fd_, reinterpret_cast<const sockaddr*>(&to_.bytes), to_.size, connect_);
    const wait_end how = co_await opened_.until(limit);
    if (how != wait_end::completed) co_return fail(unavailable("it does not take the connection in time"));
    if (has_ended()) co_return fail(unavailable(why_));
    if (connected_ < 0) co_return fail(unavailable(words_of(-connected_)));
    receive();
    co_return {};
}

void connection::send(std::string_view bytes)
{
    SLUICE_ASSERT(!has_ended() && !send_.in_flight());
    sending_ = bytes.size();
    shard_.ring().send(fd_, bytes, send_);
}

void connection::end(std::string why)
{
    if (has_ended()) return;
    why_ = std::move(why);
    if (receive_.in_flight()) shard_.ring().abandon(receive_);
    if (again_.armed()) shard_.timers().cancel(again_);
    ended_.complete();
    opened_.complete();
    owner_.ended();
}

task<void> connection::close()
{
    end({});
    if (fd_ < 0) co_return;
    // A send that waits for a peer that reads nothing ends with this.
    shard_.ring().shutdown(fd_, SHUT_RDWR);
    shard_.ring().cancel(connect_);
    shard_.ring().cancel(send_);
    rest();
    co_await at_rest_.until();
    shard_.ring().close(std::exchange(fd_, -1));
}

void connection::rest()
{
    if (has_ended() && !connect_.in_flight() && !send_.in_flight()) at_rest_.complete();
}

void connection::on_connected(completion what)
{
    connected_ = what.result;
    opened_.complete();
    rest();
}

void connection::on_sent(completion what)
{
    if (has_ended()) return rest();
    if (what.result < 0) return end(words_of(-what.result));
    if (static_cast<std::size_t>(what.result) != sending_) return end("it took a part of what was sent");
    owner_.sent();
}

void connection::on_received(completion what)
{
    if (what.result > 0) {
        owner_.received(shard_.ring().received(what));
        shard_.ring().recycle(what);
        if (!has_ended() && !what.more()) receive();
        return;
    }
    shard_.ring().recycle(what);
    if (what.result == -ENOBUFS) return shard_.timers().arm(again_, shard_.now()); // others give theirs back meanwhile
    end(what.result == 0 ? "it closed the connection" : words_of(-what.result));
}

void connection::receive()
{
    if (!receive_.in_flight()) shard_.ring().receive_multishot(fd_, receive_);
}

} // namespace sluice::redis

#include "client/origin.hpp"

#include "shard/back_off.hpp"

#include <sluice/core/log.hpp>

#include <algorithm>
#include <utility>

namespace sluice::http {

origin::origin(shared& of, const url& where)
    : shared_(of), authority_(where.authority), host_(where.host), socket_(where.socket), port_(where.port)
{
    idle_.reserve(of.options.connections_max);
}

origin::~origin()
{
    SLUICE_ASSERT(unused() && waiting_ == 0);
    lose_patience();
}

bool origin::is(std::string_view authority) const noexcept
{
    return socket_.empty() ? equal_ignoring_case(authority_, authority) : authority_ == authority;
}

client_connection* origin::take_idle() noexcept
{
    if (idle_.empty()) return nullptr;
    client_connection* const newest = idle_.back();
    idle_.pop_back();
    --shared_.counters.idle;
    ++shared_.counters.busy;
    return newest;
}

bool origin::join(waiter& who)
{
    if (waiting_ == shared_.options.waiting_max) return false;
    waiters_.push_back(who);
    ++waiting_;
    ++shared_.counters.waiting;
    make_connections();
    return true;
}

void origin::leave(waiter& who)
{
    if (!who.linked()) return;
    who.unlink();
    waits_no_more();
}

void origin::give_back(client_connection& unused)
{
    if (!unused.has_ended()) released(unused);
}

void origin::drop_idle()
{
    while (!idle_.empty()) idle_.back()->end();
}

void origin::on_stop()
{
    drop_idle();
    give_up_what_nobody_awaits();
}

void origin::retire()
{
    retired_ = true;
    drop_idle();
    give_up_what_nobody_awaits();
}

void origin::released(client_connection& which)
{
    if (!waiters_.empty()) {
        waiter& first = waiters_.pop_front();
        waits_no_more();
        first.given = &which;
        return first.finished.complete();
    }
    if (shared_.stopping || retired_) return which.end();
    idle_.push_back(&which);
    ++shared_.counters.idle;
    --shared_.counters.busy;
    which.rest_until(shared_.on.now() + shared_.options.idle_timeout);
}

void origin::ended(client_connection& which)
{
    if (std::erase(idle_, &which) == 0) return;
    --shared_.counters.idle;
    ++shared_.counters.busy; // until it is closed
}

void origin::waits_no_more()
{
    --waiting_;
    --shared_.counters.waiting;
    give_up_what_nobody_awaits();
}

// A connection that is made for nobody may be of use later, but not of an origin that has gone, nor once the shard
// ends, which it would only hold up.
void origin::give_up_what_nobody_awaits()
{
    if ((!shared_.stopping && !retired_) || waiting_ > 0) return;
    for (; !attempts_.empty(); --opening_) attempts_.pop_front().given_up.request();
}

void origin::lose_patience()
{
    if (patience_.armed()) shared_.on.timers().cancel(patience_);
}

void origin::make_connections()
{
    // An attempt may have failed when spawn() comes back. After one that failed one is made, until there is news.
    while (!patience_.armed() && opening_ < waiting_ && connections_ < shared_.options.connections_max) {
        auto made = std::make_unique<client_connection>(shared_.on, static_cast<connection_owner&>(*this));
        ++connections_;
        ++shared_.counters.busy;
        shared_.on.background().spawn(keep(std::move(made)), &background_);
        if (failures_ > 0) return;
    }
}

// A connection's life.
task<void> origin::keep(std::unique_ptr<client_connection> made)
{
    attempt mine;
    attempts_.push_back(mine);
    ++opening_;
    const result<void> opened = co_await open(*made, mine.given_up);
    if (mine.linked()) {
        mine.unlink();
        --opening_;
    }
    if (opened) {
        ++shared_.counters.connects;
        if (!said_.empty()) log(log_level::info, "A service is back", {{"service", authority_}});
        said_.clear();
        failures_ = 0;
        lose_patience();
        released(*made);
        make_connections(); // for those who had to wait for what is over
        (void)co_await made->ended().until();
    } else if (!mine.given_up.requested()) {
        not_made(opened.error());
    }
    co_await made->close();
    made.reset();
    --connections_;
    --shared_.counters.busy;
    if (opened) lose_patience(); // there is one less to wait for
    make_connections();
}

task<result<void>> origin::open(client_connection& made, stop_source& given_up)
{
    context in_time{
        .deadline = shared_.on.now() + shared_.options.connect_timeout, .stop = &given_up, .task = background_.task};
    if (!socket_.empty()) {
        const auto there = unix_address(socket_);
        if (!there) co_return fail(there.error());
        co_return co_await made.open({&*there, 1}, in_time);
    }
    context* const before = context::exchange_current(&in_time);
    const auto found = co_await addresses_of(host_, port_, shared_.blocking);
    context::exchange_current(before);
    if (!found) co_return fail(found.error());
    co_return co_await made.open(*found, in_time);
}

void origin::not_made(const error& why)
{
    ++shared_.counters.failed_connects;
    if (said_ != why.detail)
        log(log_level::warn, "A service cannot be reached", {{"service", authority_}, {"reason", why.detail}});
    said_ = why.detail;
    if (connections_ > opening_ + 1) { // but this one: there is something to wait for
        if (!patience_.armed()) shared_.on.timers().arm(patience_, shared_.on.now() + back_off(failures_++));
        return;
    }
    while (!waiters_.empty()) {
        waiters_.pop_front().finished.complete();
        waits_no_more();
    }
}

} // namespace sluice::http

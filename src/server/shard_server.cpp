#include "server/shard_server.hpp"

#include "server/listen.hpp"
#include "shard/last_stop.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/core/log.hpp>
#include <sluice/core/thread_local.hpp>

#include <chrono>
#include <ctime>
#include <unistd.h>

namespace sluice {

namespace {

SLUICE_THREAD_LOCAL thread_local shard_server* of_this_thread = nullptr;

} // namespace

shard_server::shard_server(shard& here, const server_options& options, connection_counts& connections)
    : here_(here), options_(options), connections_(connections), metrics_(metric_set_, here, counters_)
{
    of_this_thread = this;
}

shard_server::~shard_server()
{
    here_.timers().cancel(grace_);
    SLUICE_ASSERT(session_count_ == 0); // drain() comes first
    of_this_thread = nullptr;
}

shard_server& shard_server::current() noexcept
{
    SLUICE_ASSERT(of_this_thread != nullptr); // this thread is no shard of a server
    return *of_this_thread;
}

offload_pool& shard_server::scrapes()
{
    if (scrapes_ == nullptr) scrapes_ = std::make_unique<offload_pool>(offload_options{.threads = 1});
    return *scrapes_;
}

void shard_server::listen(int fd, const router& routes)
{
    acceptors_.push_back(std::make_unique<acceptor>(*this, fd, routes));
}

void shard_server::freeze()
{
    api_.freeze();
    admin_.freeze();
}

void shard_server::start()
{
    for (auto& listening : acceptors_) listening->start();
}

void shard_server::accepted(int fd, const router& routes)
{
    ++counters_.accepted;
    auto* made = new session(*this, routes, fd);
    sessions_.push_back(*made);
    ++session_count_;
    connections_to(routes).open.fetch_add(1, std::memory_order_relaxed);
    made->start();
}

exchange& shard_server::borrow_exchange()
{
    if (free_exchanges_.empty()) return *new exchange(options_.limits);
    exchange* warm = free_exchanges_.back().release();
    free_exchanges_.pop_back();
    return *warm;
}

// One that a connection left in the middle of something is not used again.
void shard_server::give_back(exchange& done, bool clean) noexcept
{
    constexpr std::size_t spare_max = 64; // more than that only after a burst of waiting requests
    std::unique_ptr<exchange> owned(&done);
    request_ended(done);
    if (!clean || free_exchanges_.size() == spare_max) return;
    done.stop.reset();
    free_exchanges_.push_back(std::move(owned));
}

// A closed session may be on the stack: it is destroyed at the turn's end.
void shard_server::bury(session& dead) noexcept
{
    dead.unlink();
    dead_.push_back(dead);
    here_.at_turn_end(burial_);
}

void shard_server::bury_dead()
{
    while (!dead_.empty()) {
        session& dead = dead_.pop_front();
        connections_to(dead.routes()).open.fetch_sub(1, std::memory_order_relaxed);
        delete &dead;
        --session_count_;
        ++counters_.closed;
    }
    for (auto& listening : acceptors_) listening->resume();
    finish_if_done();
}

std::size_t shard_server::burst_max() const noexcept { return listen_backlog * (here_.count() + std::size_t{1}); }

std::string_view shard_server::date() noexcept
{
    if (here_.now() >= date_until_) {
        timespec wall{};
        clock_gettime(CLOCK_REALTIME, &wall);
        std::tm parts{};
        gmtime_r(&wall.tv_sec, &parts);
        char text[30];
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        std::copy(text, text + date_.size(), date_.begin());
        date_until_ = here_.now() + std::chrono::nanoseconds(1'000'000'000 - wall.tv_nsec);
    }
    return {date_.data(), date_.size()};
}

// --- The end.

void shard_server::drain(time_point until)
{
    if (!draining_) {
        draining_ = true;
        sessions_.for_each([](session& s) { s.drain(); }); // the idle ones make room for what is queued
        for (auto& listening : acceptors_) listening->stop();
    }
    here_.timers().arm(grace_, until);
    finish_if_done();
}

void shard_server::grace_is_over()
{
    if (session_count_ != 0)
        log(log_level::warn, "The time for draining is over: connections are cut off",
            {{"connections", session_count_}});
    for (auto& listening : acceptors_) listening->abandon();
    sessions_.for_each([](session& s) { s.close(); });
    last_stop().request();
    finish_if_done();
}

void shard_server::finish_if_done()
{
    if (!draining_ || session_count_ != 0 || handlers_.running() != 0) return;
    for (auto& listening : acceptors_)
        if (!listening->stopped()) return;
    here_.finish(); // what others want of it, and what goes on in the background, has the rest of the time
}

} // namespace sluice

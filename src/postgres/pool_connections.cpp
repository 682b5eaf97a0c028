// The pool's connections: making them, keeping house, and what becomes of a loss.
#include "postgres/errors.hpp"
#include "postgres/pool_state.hpp"
#include "shard/back_off.hpp"

#include <sluice/core/log.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <stop_token>

namespace sluice::postgres {

namespace {

constexpr unsigned connecting_max = 2; // of a shard at a time
constexpr duration cancel_patience = std::chrono::seconds(1);
// Three flights of reads keep a server near by at work; the longer the way, the more of them are on it.
constexpr duration round_trip_of_a_flight = std::chrono::microseconds(200);
constexpr duration round_trip_max = std::chrono::milliseconds(100); // that is put down to the way, and to no stall
constexpr std::size_t error_classes_max = 64;                       // the manual has fewer
constexpr duration housekeeping_min = std::chrono::milliseconds(10);
constexpr duration housekeeping = std::chrono::milliseconds(500);

// Touched where a connection is made or cannot be, and never on the way of a query that has one.
std::atomic<std::uint64_t> connects_of_process = 0;

} // namespace

bool pool_state::is_back_elsewhere() const noexcept
{
    return connects_of_process.load(std::memory_order_relaxed) != connects_seen_;
}

bool pool_state::grow()
{
    if (connecting_ > 0 && (open_.empty() || connecting_ == connecting_max)) return true;
    if (open_.size() + connecting_ >= options_.connections_max) return connecting_ > 0;
    if (shard_.now() < retry_at_ && !(failures_ > 0 && is_back_elsewhere())) return connecting_ > 0;
    ++connecting_;
    shard_.background().spawn(connect_one(), &background_);
    return true;
}

task<void> pool_state::connect_one()
{
    hopeful_ = hopeful_ || is_back_elsewhere();
    connects_seen_ = connects_of_process.load(std::memory_order_relaxed);
    std::stop_source leaving; // the thread waits no longer than this shard
    connect_request wanted{.url = options_.url, .timeout = options_.connect_timeout, .stop = leaving.get_token()};
    auto made = co_await offload(blocking_, [wanted = std::move(wanted), own = !options_.transaction_pooler] {
        return connect_pipelined(wanted, own);
    });
    leaving.request_stop();
    --connecting_;
    if (shard_.background().stop().requested()) co_return;
    made ? connected(std::move(*made)) : not_connected(made.error());
}

void pool_state::connected(pipelined_connection made)
{
    changed();
    ++counters_.connects;
    if (metrics_) metrics_->connected(made.took);
    connects_of_process.fetch_add(1, std::memory_order_relaxed);
    if (failures_ > 0) log(log_level::info, "PostgreSQL is back");
    failures_ = 0;
    said_.clear();
    connection_limits limits = limits_;
    limits.wanted = made.wanted;
    limits.server_timeout = made.statement_timeout;
    limits.served_by = made.served_by;
    const duration way = std::min(made.round_trip, round_trip_max);
    limits.stalled_after += 3 * way;
    limits.flights_max += static_cast<std::size_t>(way / round_trip_of_a_flight);
    open_.push_back(std::make_unique<connection>(shard_, std::move(made.handle), *this, limits));
    keep_house();
    serve();
}

void pool_state::not_connected(const error& why)
{
    changed();
    ++counters_.failed_connects;
    hopeful_ = false;
    ++failures_;
    retry_at_ = shard_.now() + back_off(failures_);
    shard_.timers().arm(retry_, retry_at_);
    if (said_ != why.detail) log(log_level::warn, "PostgreSQL cannot be reached", {{"reason", why.detail}});
    said_ = why.detail;
    // A transaction may have to do with what there is. Not from here: whoever wanted it to grow is about to decide
    // that.
    shard_.timers().arm(soon_, shard_.now());
}

// Makes a connection where one is missing: now, or when it may be tried again.
void pool_state::replenish()
{
    const bool missing = open_.size() < options_.connections_min || !waiting_.empty() || !writing_.empty() ||
                         !wary_.empty() || !wanted_.empty();
    if (missing && !grow() && shard_.now() < retry_at_) shard_.timers().arm(retry_, retry_at_);
}

void pool_state::has_room(connection& c)
{
    changed();
    // First, so that no transaction gets what is being left.
    if (c.is_retiring() && c.idle() && !c.has_ended()) c.give_up({});
    if (waiters_ > 0 || c.in_use() == connection::use::reserved) serve();
}

void pool_state::stalled(connection&)
{
    changed();
    sort_waiters();
    serve();
}

void pool_state::moves_again(const statement* in_vain)
{
    changed();
    remember(in_vain);
    sort_waiters();
}

connection* pool_state::canceller(const back_end& of) noexcept
{
    for (const auto& c : open_)
        if (c->takes() && c->idle() && !c->cancelling() && c->served_by().server_began == of.server_began)
            return c.get();
    return nullptr;
}

// Only where it is the first: behind others it would come when something else runs there.
bool pool_state::cancel(const back_end& of)
{
    connection* c = shard_.background().stop().requested() ? nullptr : canceller(of);
    if (c != nullptr) shard_.background().spawn(cancel_on(*c, of), &cancelling_);
    return c != nullptr;
}

// Another host of the URL may have a process of the same number.
task<void> pool_state::cancel_on(connection& c, back_end of)
{
    static const std::string text = fmt::format("SELECT pg_cancel_backend($1) WHERE {} = $2", server_began);
    static const statement cancels{"sluice_cancel", text.c_str(), access::reads};
    const parameters with = parameters::of(of.process, of.server_began);
    query_run q(cancels, with);
    q.exclusive = true; // it runs nowhere else, and above all not where it cancels
    c.submit(q);
    co_await q.finished.until(shard_.now() + cancel_patience);
    if (!q.outcome) leave(q);
}

void pool_state::cancelled(connection&) { ++counters_.cancels; }

// What is no change is let pass by a server that refuses changes, unless it is a standby, which refuses both.
void pool_state::takes_changes(bool so, bool a_change)
{
    if (!so && a_change) change_refused_ = true;
    if (so && !a_change && change_refused_) return;
    if (so) change_refused_ = false;
    if (counters_.refuses_changes != so) return;
    counters_.refuses_changes = !so;
    if (so)
        log(log_level::info, "PostgreSQL takes changes again");
    else
        log(log_level::warn, "PostgreSQL takes no changes");
}

void pool_state::failed(std::string_view sql_state)
{
    if (sql_state.size() < 2) return;
    if (metrics_) metrics_->failed(sql_state.substr(0, 2));
    const std::array<char, 2> name = {sql_state[0], sql_state[1]};
    const auto known = std::ranges::find(counters_.errors, name, &sql_state_class::name);
    if (known != counters_.errors.end())
        ++known->count;
    else if (counters_.errors.size() < error_classes_max)
        counters_.errors.push_back({.name = name, .count = 1});
}

void pool_state::ended(connection& c, std::string why)
{
    if (closing_) return;
    leased_.for_each([this, &c](lease& l) {
        if (l.on != &c) return;
        count_use(l);
        l.on = nullptr;
    });
    changed();
    const bool meant = why.empty();
    if (!meant) {
        ++counters_.losses;
        log(log_level::warn, "A connection to PostgreSQL was lost", {{"reason", why}});
        // One that did not last is no reason to try at once.
        if (shard_.now() - c.made_at() < back_off_max) retry_at_ = std::max(retry_at_, shard_.now() + back_off(1));
    }
    const auto at = std::ranges::find(open_, &c, &std::unique_ptr<connection>::get);
    SLUICE_ASSERT(at != open_.end());
    remember(c.stalled_by_constant());
    dead_.push_back(std::move(*at));
    open_.erase(at);
    sort_waiters();
    shard_.timers().arm(soon_, shard_.now());
}

// A connection has ended, or could not be made: the rest may take what waited for it.
void pool_state::look_again()
{
    std::erase_if(dead_, [](const auto& c) { return c->at_rest(); });
    if (!dead_.empty()) shard_.timers().arm(soon_, shard_.now());
    serve();
    replenish();
}

// Closes what is idle above the minimum, and renews what is old.
void pool_state::keep_house()
{
    if (open_.empty()) return; // the next connection comes here again
    const time_point now = shard_.now();
    bool renewing = false;
    for (std::size_t i = open_.size(); i-- > 0;) {
        connection& c = *open_[i];
        const bool unused = c.idle() && c.takes();
        const bool spare = open_.size() > options_.connections_min && i > 0;
        if (unused && spare && now - c.idle_since() > options_.idle_timeout) {
            c.give_up({});
        } else if (now > c.renew_at() && !renewing && c.in_use() == connection::use::shared) {
            // Its successor comes first where the limit allows that.
            renewing = true;
            const bool alone = open_.size() <= options_.connections_min;
            if (alone && open_.size() < options_.connections_max) {
                grow();
            } else {
                c.retire();
                if (c.idle()) c.give_up({});
            }
        }
    }
    time_point next = now + std::clamp(options_.idle_timeout / 2, housekeeping_min, housekeeping);
    // With nothing to close, nothing has to wake an idle shard before something is old.
    if (!open_.empty() && open_.size() <= options_.connections_min) {
        time_point oldest = never;
        for (const auto& c : open_) oldest = std::min(oldest, c->renew_at());
        next = std::max(next, oldest);
    }
    shard_.timers().arm(house_, next);
}

void pool_state::refresh()
{
    counters_.open = static_cast<unsigned>(open_.size());
    counters_.busy = static_cast<unsigned>(std::ranges::count_if(
        open_, [](const auto& c) { return !c->idle() || c->in_use() == connection::use::leased; }));
    counters_.stalled =
        static_cast<unsigned>(std::ranges::count_if(open_, [](const auto& c) { return c->is_stalled(); }));
    counters_.waiting = waiters_;
    counters_.away = known_away();
}

pool_counters pool_state::counters()
{
    refresh();
    return counters_;
}

} // namespace sluice::postgres

#include "redis/client_state.hpp"

#include "redis/command_name.hpp"
#include "redis/errors.hpp"

#include <sluice/core/log.hpp>
#include <sluice/core/span.hpp>
#include <sluice/core/stage_timer.hpp>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace sluice::redis {

namespace {

// A server that takes no writes is left after that long: since a fail-over, its name may stand for another.
constexpr duration read_only_patience = std::chrono::seconds(2);

constexpr unsigned reloads_max = 3; // for one call: a load may be lost on the way

} // namespace

client_state::client_state(shard& on, offload_pool& blocking, client_options options)
    : shard_(on), options_(std::move(options)),
      commands_({.commands_max = options_.commands_max, .waiting_bytes_max = options_.waiting_bytes_max}),
      connection_(on, blocking,
                  {.where = options_.where,
                   .name = options_.name,
                   .connect_timeout = options_.connect_timeout,
                   .reply_bytes_max = options_.reply_bytes_max},
                  *this)
{
    if (options_.metrics != nullptr) metrics_.emplace(*options_.metrics, counters_, connection_.counters());
    if (options_.group != nullptr) {
        SLUICE_ASSERT(options_.group->connections_.size() == on.count()); // or it would tell shards that do not exist
        options_.group->connections_[on.index()].push_back(this);
    }
}

client_state::~client_state()
{
    if (options_.group != nullptr) std::erase(options_.group->connections_[shard_.index()], this);
    if (watch_.armed()) shard_.timers().cancel(watch_);
    SLUICE_ASSERT(commands_.idle());
}

// --- Commands.

result<multiplexer::place> client_state::submit(waiter& w, std::string_view bytes)
{
    const auto refuse = [this](error why) -> result<multiplexer::place> {
        ++counters_.refused;
        return fail(std::move(why));
    };
    if (connection_.is_away() || connection_.has_ended()) return refuse(unavailable("Redis is away"));
    if (bytes.size() > options_.waiting_bytes_max) return refuse(command_too_large());
    const auto taken = commands_.submit(reinterpret_cast<multiplexer::ticket>(&w), bytes);
    if (!taken) return refuse(overloaded());
    ++counters_.commands;
    count_in_flight();
    shard_.at_turn_end(flush_);
    return *taken;
}

task<result<reply>> client_state::ask(std::string_view bytes, effect does)
{
    const stage_timer waiting(stage::redis);
    span asking("redis", span_kind::client);
    asking.attribute("db.system.name", "redis");
    const bool named = metrics_ || asking.record() != nullptr;
    const std::size_t command = named ? place_of_command(bytes) : commands_known;
    if (command != commands_known) { // as the conventions want it: one that is not known is called by the system's name
        asking.rename(name_of_command(command));
        asking.attribute("db.operation.name", name_of_command(command));
    }
    waiter w{.does = does};
    const auto place = submit(w, bytes);
    if (!place) co_return fail(place.error());
    const timing counted(*this, command);
    const time_point limit = shard_.now() + options_.command_timeout;
    const wait_end how = co_await w.finished.until(limit);
    if (!w.outcome || !*w.outcome) asking.failed();
    if (w.outcome) co_return std::move(*w.outcome);

    const bool was_sent = !commands_.leave(*place);
    if (how == wait_end::cancelled) co_return fail(how);
    ++counters_.timeouts;
    // The request's deadline may have come first, which says nothing of Redis.
    if (was_sent)
        look_at_head();
    else if (!connection_.is_greeted() && shard_.now() >= limit)
        fell_silent("there was no connection in time");
    co_return fail(too_late(does, was_sent));
}

result<reply> client_state::settle(result<reply> how)
{
    if (!how || how->is != reply::kind::failure) return how;
    ++counters_.failures;
    const fault why = fault_in(*how);
    if (said_.is_news(why.word, shard_.now())) {
        if (why.passes)
            log(log_level::warn, "Redis cannot do what it is asked", {{"reason", words_of(*how)}});
        else
            log(log_level::error, "Redis refused a command", {{"reason", why.word}});
    }
    return fail(error_of(*how));
}

task<result<reply>> client_state::run(command_line what, effect does)
{
    SLUICE_ASSERT(what.complete());
    auto got = co_await ask(what.bytes(), does);
    co_return settle(std::move(got));
}

task<result<void>> client_state::load(const script& s, known_script& as)
{
    const command_line line = command_line::of("SCRIPT", "LOAD", s.text);
    as.loading = true;
    auto asked = co_await ask(line.bytes(), effect::reads);
    as.loading = false;
    auto got = settle(std::move(asked));
    if (!got) co_return fail(std::move(got.error()));
    if (got->text.size() != as.sha.size()) co_return fail(errc::internal, "Redis gave a script no digest");
    std::ranges::copy(got->text, as.sha.begin());
    as.known = true;
    co_return {};
}

task<result<reply>> client_state::run_script(const script& s, command_line call)
{
    SLUICE_ASSERT(call.complete());
    known_script& known = scripts_[&s];
    if (!known.known) {
        auto loaded = co_await load(s, known);
        if (!loaded) co_return fail(std::move(loaded.error()));
    }
    call.replace(digest_placeholder, {known.sha.data(), known.sha.size()});
    auto got = co_await ask(call.bytes(), effect::writes);
    // The server has been restarted or told to forget: nothing was done.
    for (unsigned again = 0; got && no_script(*got) && again < reloads_max; ++again) {
        if (!known.loading) {
            ++counters_.script_reloads;
            auto loaded = co_await load(s, known);
            if (!loaded) co_return fail(std::move(loaded.error()));
        }
        got = co_await ask(call.bytes(), effect::writes);
    }
    co_return settle(std::move(got));
}

// --- The connection.

void client_state::greeted()
{
    why_leaving_.clear();
    commands_.begin();
    flush();
    if (options_.group == nullptr) return;
    greeting_ = options_.group->next_greeting();
    options_.group->tell_all_of_run(greeting_, connection_.run_id());
}

void client_state::flush()
{
    if (!why_leaving_.empty()) return;
    const bool rested = !commands_.expects();
    const std::string_view bytes = commands_.take_off();
    count_in_flight();
    if (bytes.empty()) return;
    ++counters_.flights;
    if (rested) asked_at_ = shard_.now();
    if (!watch_.armed()) shard_.timers().arm(watch_, shard_.now() + options_.command_timeout);
    connection_.send(bytes);
}

void client_state::sent()
{
    commands_.landed();
    flush(); // what gathered meanwhile
}

void client_state::took(reply r)
{
    const auto whose = commands_.on_reply();
    count_in_flight();
    if (!whose) return connection_.end("it sent a reply that nothing had asked for");
    if (only_reads(r) && shard_.now() - connection_.greeted_at() >= read_only_patience)
        why_leaving_ = "it is a replica, which only reads";
    if (*whose != multiplexer::nobody) reinterpret_cast<waiter*>(*whose)->end(std::move(r));
    look_at_end();
}

void client_state::look_at_end()
{
    if (!why_leaving_.empty() && !commands_.expects()) return connection_.end(why_leaving_);
    if (stopping_ && commands_.idle()) connection_.end({});
}

// The connection answers nothing: whatever is asked now would wait in vain as well.
void client_state::look_at_head()
{
    if (!connection_.is_greeted() || !commands_.expects()) return;
    const time_point limit = std::max(asked_at_, connection_.heard_at()) + options_.command_timeout;
    if (shard_.now() >= limit) return fell_silent("it does not answer");
    shard_.timers().arm(watch_, limit);
}

void client_state::fell_silent(std::string why)
{
    give_up(std::move(why));
    if (options_.group != nullptr) options_.group->tell_all(options_.command_timeout);
}

// What came lately proves that the server is well, and only the other's connection is not.
void client_state::hear_of_silence(duration silent_for)
{
    if (connection_.is_away() || connection_.has_ended()) return;
    if (shard_.now() - connection_.heard_at() >= silent_for / 2) give_up("it does not answer another connection");
}

bool client_state::is_elsewhere(std::string_view run) const
{
    return connection_.is_greeted() && !run.empty() && !run_id().empty() && run_id() != run;
}

bool client_state::moved_since(time_point greeted_at, std::string_view run) const
{
    return is_elsewhere(run) && connection_.greeted_at() > greeted_at;
}

void client_state::hear_of_run(time_point greeted_at, std::string_view run)
{
    if (is_elsewhere(run) && connection_.greeted_at() <= greeted_at) leave_former();
}

void client_state::hear_of_run(std::uint64_t greeting, std::string_view run)
{
    if (is_elsewhere(run) && greeting_ < greeting) leave_former();
}

void client_state::leave_former()
{
    why_leaving_ = "its name stands for another server by now";
    look_at_end();
}

void client_state::give_up(std::string why)
{
    connection_.give_up(std::move(why));
    if (!commands_.idle()) drop_waiting("Redis is away");
}

void client_state::lost()
{
    while (const auto one = commands_.on_lost()) {
        waiter& w = *reinterpret_cast<waiter*>(*one);
        ++counters_.unknown;
        w.end(fail(redis::lost(w.does)));
    }
    count_in_flight();
    if (connection_.is_away()) drop_waiting("Redis is away");
}

void client_state::drop_waiting(std::string_view why)
{
    while (const auto one = commands_.drop()) reinterpret_cast<waiter*>(*one)->end(fail(unavailable(std::string(why))));
    count_in_flight();
}

void client_state::stopping()
{
    stopping_ = true;
    look_at_end();
}

client_counters client_state::counters() const
{
    client_counters now = counters_;
    const connection_counters& of_connection = connection_.counters();
    now.connected = of_connection.greeted;
    now.away = of_connection.away;
    now.connects = of_connection.connects;
    now.failed_connects = of_connection.failed_connects;
    now.losses = of_connection.losses;
    return now;
}

std::size_t client_state::load() const noexcept
{
    if (connection_.is_away()) return std::numeric_limits<std::size_t>::max();
    return commands_.size() + (connection_.is_greeted() ? 0 : options_.commands_max);
}

} // namespace sluice::redis

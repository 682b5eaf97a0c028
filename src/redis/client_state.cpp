#include "redis/client_state.hpp"

#include "redis/errors.hpp"

#include <algorithm>
#include <utility>

namespace sluice::redis {

client_state::client_state(shard& on, offload_pool& blocking, client_options options)
    : shard_(on), blocking_(blocking), options_(std::move(options)),
      commands_({.commands_max = options_.commands_max, .waiting_bytes_max = options_.waiting_bytes_max}),
      reader_(options_.reply_bytes_max)
{
    const location& where = options_.where;
    const auto say = [this](const command_line& line) {
        preamble_ += line.bytes();
        ++preamble_commands_;
    };
    if (!where.password.empty())
        say(where.user.empty() ? command_line::of("AUTH", where.password)
                               : command_line::of("AUTH", where.user, where.password));
    if (where.database != 0) say(command_line::of("SELECT", where.database));
    say(command_line::of("CLIENT", "SETNAME", options_.name));

    background_.stop = &on.background().stop();
    on.background().stop().add(stop_);
    on.background().spawn(keep_connected());
}

client_state::~client_state()
{
    SLUICE_ASSERT(ended_);
    stop_.unlink();
    if (watch_.armed()) shard_.timers().cancel(watch_);
    SLUICE_ASSERT(commands_.idle());
}

// --- Commands.

result<multiplexer::place> client_state::submit(waiter& w, std::string_view bytes)
{
    const auto refuse = [this](std::string why) -> result<multiplexer::place> {
        ++counters_.refused;
        return fail(unavailable(std::move(why)));
    };
    if (away_ || ended_) return refuse("Redis is away");
    if (bytes.size() > options_.waiting_bytes_max) {
        ++counters_.refused;
        return fail(error{.code = errc::too_large, .detail = "The command is too large", .dependency = "redis"});
    }
    const auto taken = commands_.submit(reinterpret_cast<multiplexer::ticket>(&w), bytes);
    if (!taken) return refuse("Too much waits for Redis already");
    ++counters_.commands;
    shard_.at_turn_end(flush_);
    return *taken;
}

task<result<reply>> client_state::ask(std::string_view bytes, effect does)
{
    waiter w{.does = does};
    const auto place = submit(w, bytes);
    if (!place) co_return fail(place.error());
    const time_point limit = shard_.now() + options_.command_timeout;
    const wait_end how = co_await w.finished.until(limit);
    if (w.outcome) co_return std::move(*w.outcome);

    const bool was_sent = !commands_.leave(*place);
    if (how == wait_end::cancelled) co_return fail(how);
    ++counters_.timeouts;
    // The request's deadline may have come first, which says nothing of Redis.
    if (was_sent)
        look_at_head();
    else if (!commands_.greeted() && shard_.now() >= limit)
        give_up("there was no connection in time");
    co_return fail(too_late(does, was_sent));
}

result<reply> client_state::settle(result<reply> how)
{
    if (!how || how->is != reply::kind::failure) return how;
    ++counters_.failures;
    return fail(error_of(*how));
}

task<result<reply>> client_state::run(command_line what, effect does)
{
    SLUICE_ASSERT(what.complete());
    auto got = co_await ask(what.bytes(), does);
    co_return settle(std::move(got));
}

task<result<client_state::digest>> client_state::load(const script& s)
{
    const command_line line = command_line::of("SCRIPT", "LOAD", s.text);
    auto asked = co_await ask(line.bytes(), effect::reads);
    auto got = settle(std::move(asked));
    if (!got) co_return fail(std::move(got.error()));
    digest known{};
    if (got->text.size() != known.size()) co_return fail(errc::internal, "Redis gave a script no digest");
    std::ranges::copy(got->text, known.begin());
    digests_.insert_or_assign(&s, known);
    co_return known;
}

task<result<reply>> client_state::run_script(const script& s, command_line call)
{
    SLUICE_ASSERT(call.complete());
    const auto found = digests_.find(&s);
    result<digest> known = digest{};
    if (found != digests_.end())
        known = found->second;
    else
        known = co_await load(s);
    if (!known) co_return fail(std::move(known.error()));
    call.replace(digest_placeholder, {known->data(), known->size()});
    auto got = co_await ask(call.bytes(), effect::writes);
    if (got && no_script(*got)) { // the server has been restarted or told to forget: nothing was done
        ++counters_.script_reloads;
        known = co_await load(s);
        if (!known) co_return fail(std::move(known.error()));
        got = co_await ask(call.bytes(), effect::writes);
    }
    co_return settle(std::move(got));
}

// --- Bytes.

void client_state::flush()
{
    const bool rested = !commands_.expects();
    if (connection_ == nullptr || connection_->has_ended()) return;
    const std::string_view bytes = commands_.take_off();
    if (bytes.empty()) return;
    ++counters_.flights;
    if (rested) heard_at_ = shard_.now();
    if (!watch_.armed()) shard_.timers().arm(watch_, shard_.now() + options_.command_timeout);
    connection_->send(bytes);
}

void client_state::sent()
{
    commands_.landed();
    flush(); // what gathered meanwhile
}

void client_state::received(std::string_view bytes)
{
    heard_at_ = shard_.now();
    reader_.feed(bytes);
    for (auto s = reader_.next(); s != reader::state::none; s = reader_.next()) {
        if (s == reader::state::too_large) return connection_->end("it sent a reply that is larger than the bound");
        if (s == reader::state::malformed) return connection_->end("it sent what is no reply");
        take(reader_.take());
        if (connection_->has_ended()) return;
    }
    if (stopping_ && commands_.idle()) connection_->end({});
}

void client_state::take(reply r)
{
    const auto decided = commands_.on_reply();
    switch (decided.is) {
    case multiplexer::meaning::greeting:
        return take_greeting(r);
    case multiplexer::meaning::unexpected:
        return connection_->end("it sent a reply that nothing had asked for");
    case multiplexer::meaning::answer:
        if (decided.command != multiplexer::nobody) reinterpret_cast<waiter*>(decided.command)->end(std::move(r));
    }
}

// The connection answers nothing: whatever is asked now would wait in vain as well.
void client_state::look_at_head()
{
    if (connection_ == nullptr || connection_->has_ended() || !commands_.expects()) return;
    const time_point limit = heard_at_ + options_.command_timeout;
    if (shard_.now() >= limit) return give_up("it does not answer");
    shard_.timers().arm(watch_, limit);
}

client_counters client_state::counters() const
{
    client_counters now = counters_;
    now.connected = commands_.greeted();
    now.away = away_;
    now.in_flight = commands_.size();
    return now;
}

} // namespace sluice::redis

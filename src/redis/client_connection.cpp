// The client's connections: making them, greeting, and what becomes of a loss.
#include "redis/address.hpp"
#include "redis/client_state.hpp"
#include "redis/errors.hpp"
#include "shard/back_off.hpp"

#include <sluice/core/log.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice::redis {

namespace {

// Gives what is awaited meanwhile the request's context of another.
class during
{
public:
    explicit during(context& c) noexcept : before_(context::exchange_current(&c)) {}
    ~during() { context::exchange_current(before_); }
    during(const during&) = delete;
    during& operator=(const during&) = delete;

private:
    context* before_;
};

// A server that lets us do little is no reason to go: the name is for people only.
bool refuses(const reply& r) { return r.is == reply::kind::failure && !r.text.starts_with("NOPERM"); }

} // namespace

task<void> client_state::keep_connected()
{
    while (!stopping_) {
        const std::string why = co_await connect_to_any();
        if (stopping_) break;
        if (!why.empty()) not_connected(why);
        // One that lasted is no reason to wait.
        const bool lasted = why.empty() && shard_.now() - greeted_at_ > back_off_max;
        if (!lasted || away_) co_await pause(back_off(std::max(failures_, 1U)));
    }
    ended_ = true;
    drop_waiting("Redis is not asked any more");
}

// Tries the addresses one after the other. Nothing: there was a connection, and it is gone. Otherwise why there was
// none.
task<std::string> client_state::connect_to_any()
{
    const time_point limit = shard_.now() + options_.connect_timeout;
    background_.deadline = limit;
    result<std::vector<address>> found = fail(errc::internal);
    {
        const during lookup(background_);
        found = co_await addresses_of(options_.where, blocking_);
    }
    if (!found) co_return found.error().detail;
    std::string why;
    for (std::size_t i = 0; i < found->size() && !stopping_; ++i) {
        const duration share = (limit - shard_.now()) / static_cast<std::int64_t>(found->size() - i);
        const auto served = co_await serve_at((*found)[i], shard_.now() + share);
        if (served) co_return std::string();
        why = served.error().detail;
    }
    co_return why;
}

task<result<void>> client_state::serve_at(const address& where, time_point limit)
{
    connection here(shard_, *this);
    connection_ = &here;
    result<void> made = co_await here.open(where, limit);
    if (made) made = co_await greet(here, limit);
    if (made) {
        greeted();
        co_await here.ended().until();
        lost(here.why());
    } else {
        here.end({});
        tell_of_loss(); // the last greeting may have come with the end, and commands left in between
    }
    co_await here.close();
    commands_.landed();
    connection_ = nullptr;
    co_return made;
}

task<result<void>> client_state::greet(connection& c, time_point limit)
{
    reader_.reset();
    commands_.begin(preamble_, preamble_commands_);
    wait greeting;
    greeting_ = &greeting;
    c.send(commands_.preamble());
    (void)co_await greeting.until(limit);
    greeting_ = nullptr;
    if (c.has_ended()) co_return fail(unavailable(c.why()));
    if (!commands_.greeted()) co_return fail(unavailable("it takes the connection, and does not answer"));
    co_return {};
}

void client_state::take_greeting(const reply& r)
{
    if (refuses(r)) return connection_->end("it refuses us: " + std::string(r.text));
    if (commands_.greeted() && greeting_ != nullptr) greeting_->complete();
}

void client_state::ended()
{
    if (greeting_ != nullptr) greeting_->complete();
}

void client_state::greeted()
{
    ++counters_.connects;
    if (!said_.empty() || away_) log(log_level::info, "Redis is back", {{"shard", shard_.index()}});
    said_.clear();
    failures_ = 0;
    away_ = false;
    greeted_at_ = shard_.now();
    flush();
}

void client_state::lost(const std::string& why)
{
    if (!why.empty()) {
        ++counters_.losses;
        log(log_level::warn, "A connection to Redis was lost", {{"reason", why}});
    }
    tell_of_loss();
    if (away_) drop_waiting("Redis is away");
}

void client_state::tell_of_loss()
{
    while (const auto one = commands_.on_lost()) {
        waiter& w = *reinterpret_cast<waiter*>(*one);
        ++counters_.unknown;
        w.end(fail(redis::lost(w.does)));
    }
}

void client_state::not_connected(std::string why)
{
    ++counters_.failed_connects;
    ++failures_;
    if (said_ != why)
        log(log_level::warn, "Redis cannot be reached", {{"place", place_of(options_.where)}, {"reason", why}});
    said_ = std::move(why);
    away_ = true;
    drop_waiting("Redis is away");
}

// Redis is away: known from what did not come.
void client_state::give_up(std::string why)
{
    away_ = true;
    if (commands_.greeted())
        connection_->end(std::move(why)); // what becomes of the commands is told where the connection ends
    else
        drop_waiting("Redis is away");
}

void client_state::drop_waiting(std::string_view why)
{
    while (const auto one = commands_.drop()) reinterpret_cast<waiter*>(*one)->end(fail(unavailable(std::string(why))));
}

task<void> client_state::pause(duration how_long)
{
    wait enough;
    pause_ = &enough;
    (void)co_await enough.until(shard_.now() + how_long);
    pause_ = nullptr;
}

void client_state::on_stop()
{
    stopping_ = true;
    if (pause_ != nullptr) pause_->complete();
    if (connection_ != nullptr && (!commands_.greeted() || commands_.idle())) connection_->end({});
}

} // namespace sluice::redis

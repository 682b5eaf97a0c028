#include "redis/kept_connection.hpp"

#include "redis/address.hpp"
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

} // namespace

kept_connection::kept_connection(shard& on, offload_pool& blocking, options o, connection_user& user)
    : shard_(on), blocking_(blocking), options_(std::move(o)), user_(user), greeting_(options_.where, options_.name),
      reader_(options_.reply_bytes_max)
{
    background_.stop = &on.background().stop();
    on.background().stop().add(stop_);
    on.background().spawn(keep());
}

kept_connection::~kept_connection()
{
    SLUICE_ASSERT(ended_);
    stop_.unlink();
}

task<void> kept_connection::keep()
{
    while (!stopping_) {
        const std::string why = co_await connect_to_any();
        if (stopping_) break;
        const bool made = why.empty();
        if (!made) not_connected(why);
        // One that lasted is no reason to wait.
        const bool lasted = made && brief_ == 0;
        if (!lasted || is_away()) co_await pause(back_off(std::max({failures_, brief_, 1U})));
    }
    ended_ = true;
    user_.ended();
}

// Tries the addresses one after the other. Nothing: there was a connection, and it is gone. Otherwise why there was
// none.
task<std::string> kept_connection::connect_to_any()
{
    const time_point limit = shard_.now() + options_.connect_timeout;
    background_.deadline = limit;
    result<std::vector<socket_address>> found = fail(errc::internal);
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

task<result<void>> kept_connection::serve_at(const socket_address& where, time_point limit)
{
    connection here(shard_, *this);
    connection_ = &here;
    result<void> made = co_await here.open(where, limit);
    if (made) made = co_await greet(limit);
    if (made) co_await here.ended().until();
    co_await here.close();
    connection_ = nullptr;
    user_.released();
    co_return made;
}

task<result<void>> kept_connection::greet(time_point limit)
{
    reader_.reset();
    greeting_.begin();
    greeting_sent_ = served_ = false;
    wait answers;
    greets_ = &answers;
    connection_->send(greeting_.bytes());
    (void)co_await answers.until(limit);
    greets_ = nullptr;
    if (served_) co_return {}; // be it that it has ended since
    if (connection_->has_ended()) {
        const std::string& refusal = greeting_.refusal();
        co_return fail(unavailable(connection_->why() + (refusal.empty() ? "" : " and had said: " + refusal)));
    }
    co_return fail(unavailable("it takes the connection, and does not answer"));
}

void kept_connection::become_greeted()
{
    counters_.greeted = served_ = true;
    ++counters_.connects;
    if (is_away()) {
        log(log_level::info, "Redis is back", {{"connection", options_.name}});
        said_.forget();
    }
    if (!std::exchange(said_no_run_id_, greeting_.run_id().empty()) && said_no_run_id_)
        log(log_level::warn, "Redis does not tell which run of it this is", {{"reason", greeting_.why_no_run_id()}});
    failures_ = 0;
    counters_.away = false;
    greeted_at_ = shard_.now();
    greets_->complete();
    user_.greeted();
}

void kept_connection::become_lost()
{
    counters_.greeted = false;
    const bool lasted = shard_.now() - greeted_at_ > back_off_max;
    brief_ = lasted ? 0 : brief_ + 1;
    const std::string& why = connection_->why();
    if (!why.empty()) {
        ++counters_.losses;
        if (said_.is_news(why, shard_.now()))
            log(log_level::warn, "A connection to Redis was lost", {{"connection", options_.name}, {"reason", why}});
    }
    user_.lost();
}

void kept_connection::not_connected(const std::string& why)
{
    ++counters_.failed_connects;
    ++failures_;
    if (said_.is_news(why, shard_.now()))
        log(log_level::warn, "Redis cannot be reached",
            {{"connection", options_.name}, {"place", place_of(options_.where)}, {"reason", why}});
    counters_.away = true;
    user_.away();
}

void kept_connection::end(std::string why)
{
    if (connection_ != nullptr) connection_->end(std::move(why));
}

void kept_connection::give_up(std::string why)
{
    counters_.away = true;
    if (is_greeted()) end(std::move(why));
}

void kept_connection::received(std::string_view bytes)
{
    heard_at_ = shard_.now();
    reader_.feed(bytes);
    for (auto s = reader_.next(); s != reader::state::none; s = reader_.next()) {
        if (s == reader::state::too_large) return connection_->end("it sent a reply that is larger than the bound");
        if (s == reader::state::malformed) return connection_->end("it sent what is no reply");
        take(reader_.take());
        if (connection_->has_ended()) return;
    }
}

void kept_connection::take(reply r)
{
    if (is_greeted()) return user_.took(std::move(r));
    if (greeting_.answered()) return connection_->end("it sent a reply that nothing had asked for");
    if (auto said = greeting_.on_reply(r); !said) return connection_->end(std::move(said.error().detail));
    look_at_greeting();
}

void kept_connection::sent()
{
    if (is_greeted()) return user_.sent();
    greeting_sent_ = true;
    look_at_greeting();
}

// The answers may be here before the kernel says that all was sent.
void kept_connection::look_at_greeting()
{
    if (greeting_.answered() && greeting_sent_ && greets_ != nullptr) become_greeted();
}

void kept_connection::ended()
{
    if (greets_ != nullptr) greets_->complete();
    if (is_greeted()) become_lost();
}

task<void> kept_connection::pause(duration how_long)
{
    wait enough;
    pauses_ = &enough;
    (void)co_await enough.until(shard_.now() + how_long);
    pauses_ = nullptr;
}

void kept_connection::on_stop()
{
    stopping_ = true;
    if (pauses_ != nullptr) pauses_->complete();
    if (connection_ == nullptr) return;
    is_greeted() ? user_.stopping() : connection_->end({});
}

} // namespace sluice::redis

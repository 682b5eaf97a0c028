#include "redis/client_state.hpp"

#include <sluice/redis/client.hpp>

#include <algorithm>
#include <utility>

namespace sluice::redis {

namespace {

task<result<void>> done(client_state& state, command_line what, effect does = effect::writes)
{
    auto got = co_await state.run(std::move(what), does);
    if (!got) co_return fail(std::move(got.error()));
    co_return {};
}

task<result<std::int64_t>> number(client_state& state, command_line what)
{
    auto got = co_await state.run(std::move(what), effect::writes);
    if (!got) co_return fail(std::move(got.error()));
    co_return got->integer;
}

task<result<bool>> any(client_state& state, command_line what)
{
    auto got = co_await number(state, std::move(what));
    if (!got) co_return fail(std::move(got.error()));
    co_return *got > 0;
}

task<result<std::optional<pooled_string>>> text(client_state& state, command_line what)
{
    auto got = co_await state.run(std::move(what), effect::reads);
    if (!got) co_return fail(std::move(got.error()));
    std::optional<pooled_string> found;
    if (!got->nil()) found.emplace(std::move(got->text));
    co_return found;
}

} // namespace

client::client(shard& on, offload_pool& blocking, client_options options)
    : state_(std::make_unique<client_state>(on, blocking, std::move(options)))
{}

client::~client() = default;

task<result<reply>> client::run(command_line what, effect does) { return state_->run(std::move(what), does); }

task<result<std::optional<pooled_string>>> client::get(std::string_view key)
{
    return text(*state_, command_line::of("GET", key));
}

task<result<void>> client::set(std::string_view key, std::string_view value)
{
    return done(*state_, command_line::of("SET", key, value));
}

task<result<void>> client::set(std::string_view key, std::string_view value, duration expires_after)
{
    const auto after = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(expires_after).count());
    return done(*state_, command_line::of("SET", key, value, "PX", after));
}

task<result<bool>> client::del(std::string_view key) { return any(*state_, command_line::of("DEL", key)); }

task<result<std::int64_t>> client::incr(std::string_view key, std::int64_t by)
{
    return number(*state_, command_line::of("INCRBY", key, by));
}

task<result<void>> client::ping() { return done(*state_, command_line::of("PING"), effect::reads); }

task<result<reply>> client::run_script(const script& s, command_line call)
{
    return state_->run_script(s, std::move(call));
}

client_counters client::counters() const { return state_->counters(); }

std::string_view client::run_id() const noexcept { return state_->run_id(); }

} // namespace sluice::redis

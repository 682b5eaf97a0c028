#include "redis/client_state.hpp"

#include <sluice/core/assert.hpp>
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
{
    SLUICE_ASSERT(options.connections > 0);
    for (unsigned i = 0; i < options.connections; ++i)
        connections_.push_back(std::make_unique<client_state>(on, blocking, options));
}

client::~client() = default;

client_state& client::pick() const noexcept
{
    client_state* best = connections_.front().get();
    for (const auto& one : connections_)
        if (one->load() < best->load()) best = one.get();
    return *best;
}

task<result<reply>> client::run(command_line what, effect does) { return pick().run(std::move(what), does); }

task<result<std::optional<pooled_string>>> client::get(std::string_view key)
{
    return text(pick(), command_line::of("GET", key));
}

task<result<void>> client::set(std::string_view key, std::string_view value)
{
    return done(pick(), command_line::of("SET", key, value));
}

task<result<void>> client::set(std::string_view key, std::string_view value, duration expires_after)
{
    const auto after = std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(expires_after).count());
    return done(pick(), command_line::of("SET", key, value, "PX", after));
}

task<result<bool>> client::del(std::string_view key) { return any(pick(), command_line::of("DEL", key)); }

task<result<std::int64_t>> client::incr(std::string_view key, std::int64_t by)
{
    return number(pick(), command_line::of("INCRBY", key, by));
}

task<result<void>> client::ping() { return done(pick(), command_line::of("PING"), effect::reads); }

task<result<reply>> client::run_script(const script& s, command_line call)
{
    return pick().run_script(s, std::move(call));
}

client_counters client::counters() const
{
    client_counters all = connections_.front()->counters();
    for (std::size_t i = 1; i < connections_.size(); ++i) {
        const client_counters one = connections_[i]->counters();
        all.connected = all.connected || one.connected;
        all.away = all.away && one.away;
        all.in_flight += one.in_flight;
        for (const auto number : {&client_counters::commands, &client_counters::flights, &client_counters::timeouts,
                                  &client_counters::refused, &client_counters::failures, &client_counters::unknown,
                                  &client_counters::connects, &client_counters::failed_connects,
                                  &client_counters::losses, &client_counters::script_reloads})
            all.*number += one.*number;
    }
    return all;
}

duration client::command_timeout() const noexcept { return connections_.front()->command_timeout(); }

bool client::moved_since(time_point greeted_at, std::string_view run) const noexcept
{
    return std::ranges::any_of(connections_, [&](const auto& one) { return one->moved_since(greeted_at, run); });
}

void client::follow(time_point greeted_at, std::string_view run)
{
    for (const auto& one : connections_) one->hear_of_run(greeted_at, run);
}

std::string_view client::run_id() const noexcept { return agreed_run().value_or(std::string_view()); }

std::optional<std::string_view> client::agreed_run() const noexcept
{
    const client_state* first = nullptr;
    for (const auto& one : connections_) {
        if (!one->is_connected()) continue;
        if (first != nullptr && one->run_id() != first->run_id()) return std::nullopt;
        first = one.get();
    }
    if (first == nullptr) return std::nullopt;
    return first->run_id();
}

} // namespace sluice::redis

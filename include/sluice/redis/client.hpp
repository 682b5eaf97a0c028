// A shard's connection to Redis: commands in, replies out.
//
//     auto left = co_await redis.incr("visits");
//     auto fields = co_await redis.command("HMGET", "user:7", "name", "email");
//     if (!fields) co_return fail(fields.error());
//
// One connection, all commands of a turn in one send at its end, done in their order. With more connections each
// command takes the one where least waits, and only what was awaited is done before what comes after. Commands that
// block or change what a connection is (BLPOP, SUBSCRIBE, MULTI without EXEC, SELECT) have no place on it.
//
// Every wait ends: by `command_timeout` or the request's deadline, and at once with errc::overloaded where too much
// waits, or errc::unavailable where Redis is known to be away: from when it did not answer in time, on this shard or
// another of its group, or could not be connected to, until it has greeted us again. What was sent when the connection
// was lost is errc::outcome_unknown, or errc::unavailable if it only reads; nothing is sent twice. A failure that is
// the whole reply (-OOM, -WRONGTYPE …) is an error.
//
// Owned by a shard, used on it alone; it must die on it, after the shard's background tasks (shard::own does that).
// It connects by itself, again and again, so it can be made before Redis is there.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/published.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/redis/client_group.hpp>
#include <sluice/redis/command_line.hpp>
#include <sluice/redis/location.hpp>
#include <sluice/redis/reply.hpp>
#include <sluice/redis/script.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {
class metric_set; // telemetry/metrics.hpp
}

namespace sluice::redis {

class client_state;

enum class effect : std::uint8_t
{
    reads, // to lose its reply loses nothing
    writes,
};

struct client_options
{
    location where;              // parse_url() reads one
    std::string name = "sluice"; // of the connection, in CLIENT LIST; without spaces
    unsigned connections = 1;    // at least one; more are of use where large replies hold up small ones
    duration connect_timeout = std::chrono::seconds(1);
    duration command_timeout = std::chrono::milliseconds(250);
    // Of each connection:
    std::size_t commands_max = 4096;                       // in flight
    std::size_t waiting_bytes_max = std::size_t{16} << 20; // of commands that are not sent yet; a larger one is refused
    std::size_t reply_bytes_max = std::size_t{8} << 20;    // of one reply; a larger one ends the connection
    metric_set* metrics = nullptr;                         // where the numbers of all are shown; it outlives the client
    client_group* group = nullptr;                         // with the clients of other shards; it outlives them
};

struct client_counters
{
    // Now:
    published<bool> connected; // one at least
    published<bool> away;      // known to be, for all
    event_count in_flight;
    // Since the start:
    event_count commands;
    event_count flights;  // sends that carried them
    event_count timeouts; // replies that did not come in time
    event_count refused;  // at a bound, or while Redis is away
    event_count failures; // replies that were failures
    event_count unknown;  // sent when the connection was lost
    event_count connects;
    event_count failed_connects;
    event_count losses;         // connections that ended unasked
    event_count script_reloads; // scripts that the server had forgotten
};

class client
{
public:
    // `blocking` looks up names. It outlives the client.
    client(shard& on, offload_pool& blocking, client_options options);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    // Any command: its name and its arguments, strings or whole numbers.
    template <class... T> [[nodiscard]] task<result<reply>> command(const T&... arguments)
    {
        return run(command_line::of(arguments...), effect::writes);
    }
    [[nodiscard]] task<result<reply>> run(command_line what, effect does);

    // Nothing: there is no such key.
    [[nodiscard]] task<result<std::optional<pooled_string>>> get(std::string_view key);
    [[nodiscard]] task<result<void>> set(std::string_view key, std::string_view value);
    // Gone after that time, at least a millisecond.
    [[nodiscard]] task<result<void>> set(std::string_view key, std::string_view value, duration expires_after);
    // Was it there?
    [[nodiscard]] task<result<bool>> del(std::string_view key);
    [[nodiscard]] task<result<std::int64_t>> incr(std::string_view key, std::int64_t by = 1);
    // Does it answer? For readiness.
    [[nodiscard]] task<result<void>> ping();

    // KEYS, then ARGV: strings or whole numbers. The script's text is sent once, and again where the server has
    // forgotten it.
    template <class... T>
    [[nodiscard]] task<result<reply>> eval(const script& s, std::span<const std::string_view> keys,
                                           const T&... arguments)
    {
        command_line call(3 + keys.size() + sizeof...(arguments));
        call.add("EVALSHA");
        call.add(digest_placeholder);
        call.add(keys.size());
        for (const std::string_view key : keys) call.add(key);
        (call.add(arguments), ...);
        return run_script(s, std::move(call));
    }

    [[nodiscard]] client_counters counters() const;
    [[nodiscard]] duration command_timeout() const noexcept;

    // Which run of a server this is: it changes with a restart, and where another server has taken over, so names that
    // carry it begin anew there. Empty without a connection, where Redis does not tell (its user may not INFO: the
    // log says so), and while several connections say different things. As long as the turn.
    [[nodiscard]] std::string_view run_id() const noexcept;
    // The same, but empty only where Redis does not tell; nothing without a connection, and while they differ.
    [[nodiscard]] std::optional<std::string_view> agreed_run() const noexcept;

    // For a subscriber beside it, which was greeted then, by that run: has a command's connection been made to another
    // one since?
    [[nodiscard]] bool moved_since(time_point greeted_at, std::string_view run) const noexcept;
    // Leaves its connections that are older than that and to another run. What they find instead, they tell the group.
    void follow(time_point greeted_at, std::string_view run);

private:
    [[nodiscard]] task<result<reply>> run_script(const script& s, command_line call);
    [[nodiscard]] client_state& pick() const noexcept;

    std::vector<std::unique_ptr<client_state>> connections_;
};

} // namespace sluice::redis

#pragma GCC visibility pop

#include "redis/info.hpp"

#include <sluice/redis/inspect.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <hiredis/hiredis.h>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::redis {

namespace {

constexpr unsigned version_min = 7;
constexpr std::size_t told_max = 200; // of a server's own

// What a server says to everybody, whatever he asks for, and what would mend that.
struct hindrance
{
    std::string_view says;
    std::string_view mend;
};
constexpr std::array<hindrance, 8> hindrances = {{
    {"NOAUTH", "wants a password, and redis.url has none"},
    {"DENIED", "is in protected mode: give it a password, or set protected-mode no"},
    {"ERR max number of clients", "has no room for another connection: raise its maxclients"},
    {"LOADING", "is loading its data: wait until it has"},
    {"BUSY", "is busy with a script: end that with SCRIPT KILL"},
    {"MASTERDOWN", "is a replica whose primary is away: let redis.url name a primary"},
    {"OOM", "is full: raise its maxmemory"},
    {"MISCONF", "cannot save what it holds, and takes no writes: look at its disk, or save nothing"},
}};

struct context_closer
{
    void operator()(redisContext* c) const noexcept { redisFree(c); }
};
struct reply_closer
{
    void operator()(redisReply* r) const noexcept { freeReplyObject(r); }
};
using reply_handle = std::unique_ptr<redisReply, reply_closer>;

timeval timeval_of(duration d)
{
    const auto us = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::microseconds>(d).count());
    return {.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
}

std::string_view text_of(const reply_handle& r)
{
    return r->str == nullptr ? std::string_view() : std::string_view(r->str, r->len);
}

// The connection of one look, with the words for whatever fails on it.
class session
{
public:
    explicit session(const session_options& with) : with_(with), place_("Redis at " + place_of(with.where)) {}

    [[nodiscard]] std::unexpected<error> refuse(std::string_view what_and_mend) const
    {
        return sluice::fail(errc::unavailable, fmt::format("{} {}", place_, what_and_mend));
    }

    [[nodiscard]] result<void> connect()
    {
        const location& to = with_.where;
        const timeval limit = timeval_of(with_.connect_timeout);
        to_.reset(to.path.empty() ? redisConnectWithTimeout(to.host.c_str(), to.port, limit)
                                  : redisConnectUnixWithTimeout(to.path.c_str(), limit));
        if (to_ == nullptr || to_->err != 0) return unreachable();
        if (redisSetTimeout(to_.get(), timeval_of(with_.command_timeout)) != REDIS_OK) return unreachable();
        return {};
    }

    // A failure is a reply; no reply is an error.
    [[nodiscard]] result<reply_handle> ask(const std::vector<std::string>& words)
    {
        std::vector<const char*> texts;
        std::vector<std::size_t> sizes;
        for (const std::string& word : words) {
            texts.push_back(word.data());
            sizes.push_back(word.size());
        }
        reply_handle given(static_cast<redisReply*>(
            redisCommandArgv(to_.get(), static_cast<int>(words.size()), texts.data(), sizes.data())));
        if (given == nullptr) {
            if (to_->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
                return refuse("takes the connection and does not answer within redis.command_timeout");
            return unreachable();
        }
        if (given->type == REDIS_REPLY_ERROR)
            if (auto hindered = look_for_hindrance(text_of(given)); !hindered) return fail(std::move(hindered.error()));
        return given;
    }

    [[nodiscard]] result<void> look_for_hindrance(std::string_view failure) const
    {
        for (const auto& [says, mend] : hindrances)
            if (failure.starts_with(says)) return refuse(fmt::format("{} ({})", mend, failure.substr(0, told_max)));
        return {};
    }

    // What must succeed. `refusal`: what is wrong, and the mend, where it does not; the server's words follow.
    [[nodiscard]] result<reply_handle> demand(const std::vector<std::string>& words, std::string_view refusal)
    {
        auto given = ask(words);
        if (given && (*given)->type == REDIS_REPLY_ERROR)
            return refuse(fmt::format("{} ({})", refusal, text_of(*given).substr(0, told_max)));
        return given;
    }

private:
    [[nodiscard]] std::unexpected<error> unreachable() const
    {
        const std::string_view why = to_ == nullptr ? "out of memory" : static_cast<const char*>(to_->errstr);
        return refuse(fmt::format("cannot be reached: {}: start it, or let redis.url name one that runs", why));
    }

    const session_options& with_;
    std::string place_;
    std::unique_ptr<redisContext, context_closer> to_;
};

result<void> greet(session& s, const location& where)
{
    if (!where.password.empty()) {
        std::vector<std::string> words = {"AUTH"};
        if (!where.user.empty()) words.push_back(where.user);
        words.push_back(where.password);
        if (auto done = s.demand(words, "refuses the user or the password that redis.url has"); !done)
            return fail(std::move(done.error()));
    }
    if (where.database == 0) return {};
    const std::string number = std::to_string(where.database);
    auto done =
        s.demand({"SELECT", number}, fmt::format("does not give database {}: let redis.url name another", number));
    if (!done) return fail(std::move(done.error()));
    return {};
}

result<std::string> version_of(session& s)
{
    auto told =
        s.demand({"INFO", "server"}, "lets this user not INFO, which tells one run of it from another: grant +info");
    if (!told) return fail(std::move(told.error()));
    std::string version(info_value(text_of(*told), "redis_version"));
    unsigned major = 0;
    std::from_chars(version.data(), version.data() + version.size(), major);
    if (major < version_min)
        return s.refuse(fmt::format("is of version {}, and at least {} is needed", version, version_min));
    return version;
}

result<std::string> eviction_of(session& s)
{
    auto told = s.demand({"INFO", "memory"}, "lets this user not INFO: grant +info");
    if (!told) return fail(std::move(told.error()));
    const std::string_view text = text_of(*told);
    const std::string_view policy = info_value(text, "maxmemory_policy");
    if (policy == "noeviction" || info_value(text, "maxmemory") == "0") return std::string();
    return std::string(policy);
}

result<void> check_writable(session& s)
{
    auto told = s.demand({"INFO", "replication"}, "lets this user not INFO: grant +info");
    if (!told) return fail(std::move(told.error()));
    const std::string_view text = text_of(*told);
    if (info_value(text, "role") == "slave" && info_value(text, "slave_read_only") != "0")
        return s.refuse("is a replica, which only reads: let redis.url name the primary");
    return {};
}

// Does what the scripts of the cache and of the rate limit do, and tells what of it fails.
constexpr const char* script_probe = R"lua(
local failed = {}
for _, call in ipairs({{'TIME'}, {'GET', KEYS[1]}, {'PTTL', KEYS[1]}, {'SET', KEYS[1], '', 'PX', 1000}, {'DEL', KEYS[1]},
                       {'PUBLISH', ARGV[1], ''}}) do
  local said = redis.pcall(unpack(call))
  if type(said) == 'table' and said.err then
    if string.find(said.err, '^OOM') or string.find(said.err, '^MISCONF') then return said end
    failed[#failed + 1] = call[1] .. ' (' .. said.err .. ')'
  end
end
return table.concat(failed, ', '))lua";

result<void> check_scripts(session& s)
{
    constexpr std::string_view refusal =
        "does not run our scripts for this user: grant +@scripting ~sluice:* &sluice:*";
    const std::string name = "sluice:check"; // of a key and of a channel
    auto loaded = s.demand({"SCRIPT", "LOAD", script_probe}, refusal);
    if (!loaded) return fail(std::move(loaded.error()));
    auto ran = s.demand({"EVALSHA", std::string(text_of(*loaded)), "1", name, name}, refusal);
    if (!ran) return fail(std::move(ran.error()));
    if (const std::string_view failed = text_of(*ran); !failed.empty())
        return s.refuse(fmt::format("does not do for this user what our scripts call: {}: grant it", failed));
    return {};
}

// The last question: a connection that has subscribed takes hardly any other.
result<void> check_channel(session& s)
{
    auto heard = s.demand({"SUBSCRIBE", "sluice:written"}, // the cache's
                          "lets this user not hear what other processes write: grant +subscribe &sluice:*");
    if (!heard) return fail(std::move(heard.error()));
    return {};
}

} // namespace

result<server_state> inspect(const session_options& with)
{
    session s(with);
    if (auto made = s.connect(); !made) return fail(std::move(made.error()));
    if (auto greeted = greet(s, with.where); !greeted) return fail(std::move(greeted.error()));
    auto version = version_of(s);
    if (!version) return fail(std::move(version.error()));
    auto eviction = eviction_of(s);
    if (!eviction) return fail(std::move(eviction.error()));
    if (auto writable = check_writable(s); !writable) return fail(std::move(writable.error()));
    if (auto runs = check_scripts(s); !runs) return fail(std::move(runs.error()));
    const auto asked_at = steady_clock::now();
    if (auto pong = s.demand({"PING"}, "does not answer a PING"); !pong) return fail(std::move(pong.error()));
    const auto latency = std::chrono::duration_cast<duration>(steady_clock::now() - asked_at);
    if (auto hears = check_channel(s); !hears) return fail(std::move(hears.error()));
    return server_state{.version = std::move(*version), .eviction = std::move(*eviction), .latency = latency};
}

} // namespace sluice::redis

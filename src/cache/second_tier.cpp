#include "cache/second_tier.hpp"

#include <sluice/core/random.hpp>

#include <chrono>
#include <tuple>
#include <utility>

namespace sluice::cache {

namespace {

using redis::script;

// KEYS: value, lease. ARGV: token, the lease's time.
constexpr script read_script{R"(
local left = redis.call('PTTL', KEYS[1])
if left > 0 then return {redis.call('GET', KEYS[1]), left} end
if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0)"};

// KEYS: value, lease. ARGV: token, the lease's time, the value's life, the value.
constexpr script fill_script{R"(
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local left = tonumber(ARGV[3]) - (tonumber(ARGV[2]) - redis.call('PTTL', KEYS[2]))
redis.call('DEL', KEYS[2])
if left <= 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[4], 'PX', left)
return 1)"};

// KEYS: lease. ARGV: token.
constexpr script give_back_script{R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1)"};

// KEYS: value, lease. ARGV: channel, message.
constexpr script erase_script{R"(
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1)"};

constexpr std::string_view lease_end = ":lease";
constexpr char absent_mark = 'a';
constexpr char value_mark = 'v';

std::int64_t milliseconds(duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

second_tier::token new_token()
{
    second_tier::token made;
    std::uint64_t bits = random_bits();
    for (char& digit : made) {
        digit = "0123456789abcdef"[bits % 16];
        bits /= 16;
    }
    return made;
}

std::string_view text(const second_tier::token& t) { return {t.data(), t.size()}; }

pooled_string lease_of(std::string_view name)
{
    pooled_string made;
    made.reserve(name.size() + lease_end.size());
    made.append(name).append(lease_end);
    return made;
}

// What a marked value says; nothing of ours is without its mark.
void found(second_tier::reading& got, pooled_string marked)
{
    if (marked.empty()) return;
    got.is = second_tier::reading::kind::found;
    got.absent = marked[0] == absent_mark;
    got.value = std::move(marked);
}

} // namespace

bool second_tier::answers() const
{
    const auto now = redis_.counters();
    return now.connected && !now.away;
}

pooled_string second_tier::name_of(std::string_view key, std::string_view run) const
{
    pooled_string made;
    made.reserve(prefix_.size() + run.size() + key.size() + 4);
    made.append(prefix_).append(1, ':').append(run).append(":{").append(key).append(1, '}');
    return made;
}

task<second_tier::reading> second_tier::read(std::string_view key)
{
    reading got;
    got.run = redis_.run_id();
    const pooled_string name = name_of(key, got.run);
    if (!tells_lives_) {
        auto said = co_await redis_.run(redis::command_line::of("GET", name), redis::effect::reads);
        if (!said || got.run != redis_.run_id()) co_return got;
        if (!said->nil()) {
            found(got, std::move(said->text));
            co_return got;
        }
    }
    got.lease = new_token();
    const pooled_string lease = lease_of(name);
    const std::array<std::string_view, 2> keys = {name, lease};
    auto said = co_await redis_.eval(read_script, keys, text(got.lease), milliseconds(lease_time_));
    if (!said || got.run != redis_.run_id()) co_return got;
    if (said->is == redis::reply::kind::integer) {
        got.is = said->integer == 1 ? reading::kind::leased : reading::kind::taken;
        co_return got;
    }
    if (said->elements.size() != 2) co_return got;
    found(got, std::move(said->elements[0].text));
    got.left = std::chrono::milliseconds(said->elements[1].integer);
    co_return got;
}

task<bool> second_tier::fill(std::string_view key, const reading& leased, std::string_view value, bool absent,
                             duration life)
{
    if (leased.run != redis_.run_id()) co_return false;
    const pooled_string name = name_of(key, leased.run);
    const pooled_string lease = lease_of(name);
    const std::array<std::string_view, 2> keys = {name, lease};
    pooled_string marked;
    marked.reserve(value.size() + 1);
    marked.append(1, absent ? absent_mark : value_mark).append(value);
    const auto said = co_await redis_.eval(fill_script, keys, text(leased.lease), milliseconds(lease_time_),
                                           milliseconds(life), std::string_view(marked));
    co_return said && said->integer == 1;
}

task<void> second_tier::give_back(std::string_view key, const reading& leased)
{
    if (leased.run != redis_.run_id()) co_return;
    const pooled_string lease = lease_of(name_of(key, leased.run));
    const std::array<std::string_view, 1> keys = {lease};
    std::ignore = co_await redis_.eval(give_back_script, keys, text(leased.lease));
}

task<bool> second_tier::erase(std::string_view key)
{
    const auto told = run();
    const bool known = told.has_value();
    const pooled_string before(told.value_or(std::string_view()));
    const pooled_string name = name_of(key, before);
    const pooled_string lease = lease_of(name);
    const std::array<std::string_view, 2> keys = {name, lease};
    pooled_string message;
    message.reserve(sender_.size() + key.size());
    message.append(sender_).append(key);
    const auto said = co_await redis_.eval(erase_script, keys, channel_, std::string_view(message));
    // Of a server that does not tell its run nothing is ever read, so there is nothing to delete there, only to tell.
    // Who did not know the run when he asked has deleted nothing that anybody reads.
    co_return said&& known&& run() == before;
}

} // namespace sluice::cache

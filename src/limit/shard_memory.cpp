#include "limit/shard_memory.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>

namespace sluice::limit {

namespace {

// No key's rate calls for more; whoever is asked has its own bounds.
constexpr std::uint32_t lease_max = 1U << 20;
constexpr std::uint64_t nanos_per_micro = 1000;

std::uint64_t nanos(time_point t) noexcept { return static_cast<std::uint64_t>(t.time_since_epoch().count()); }

std::chrono::microseconds until(std::uint64_t when, std::uint64_t now) noexcept
{
    return std::chrono::microseconds(when > now ? (when - now + nanos_per_micro - 1) / nanos_per_micro : 0);
}

} // namespace

shard_memory::shard_memory(std::size_t keys) : sets_(std::max<std::size_t>(1, (keys + ways - 1) / ways)) {}

shard_memory::entry* shard_memory::find(const client_key& key, std::uint64_t hash) noexcept
{
    if (entries_.empty()) return nullptr;
    entry* const set = entries_.data() + (hash >> 20) % sets_ * ways;
    entry* const found = std::find_if(set, set + ways, [&](const entry& e) { return e.key == key; });
    return found == set + ways ? nullptr : found;
}

void shard_memory::go_by(const rules& by)
{
    const bool same_windows = by.same_windows(by_);
    for (entry& e : entries_) {
        if (!same_windows)
            e = entry{};
        else
            e = entry{.key = e.key, .asked_at = e.asked_at, .of_redis = e.of_redis, .run = e.run, .spent = e.spent};
    }
    by_ = by;
}

// What an outage would find forgotten comes first, and in one what would be forgotten with a lease. A refusal or a
// lease that still holds saves questions; of the others the one that was asked about longest ago goes.
shard_memory::entry& shard_memory::claim(const client_key& key, std::uint64_t hash, std::uint64_t now)
{
    if (entries_.empty()) entries_.resize(sets_ * ways);
    entry* const set = entries_.data() + (hash >> 20) % sets_ * ways;
    const auto worth = [this, now](const entry& e) {
        const bool useful = e.denied_until > now || (e.lease_until > now && e.lease_left != 0);
        return std::tuple(spent_share(by_, told(e, now)), useful, e.asked_at);
    };
    entry& least =
        *std::min_element(set, set + ways, [&](const entry& a, const entry& b) { return worth(a) < worth(b); });
    least = entry{.key = key};
    return least;
}

decision shard_memory::stand(const entry& of, std::uint64_t now) const
{
    decision made{.quotas = by_.size};
    for (std::size_t i = 0; i < made.quotas; ++i) {
        const auto more_in = static_cast<std::uint64_t>(until(of.more_at[i], now).count());
        made.standings[i] = {.left = by_.list[i].requests - of.spent[i] + of.lease_left, .more_in = more_in};
    }
    return made;
}

// Of what a window can still hold.
spent_counts shard_memory::told(const entry& of, std::uint64_t now) const
{
    spent_counts told{};
    for (std::size_t i = 0; i < by_.size; ++i)
        if (now < of.asked_at + by_.list[i].window * nanos_per_micro) told[i] = of.spent[i];
    return told;
}

std::optional<decision> shard_memory::look(const client_key& key, std::uint64_t hash, std::uint32_t cost, time_point at)
{
    entry* const found = find(key, hash);
    if (found == nullptr) return std::nullopt;
    const std::uint64_t now = nanos(at);
    if (found->lease_until > now && found->lease_left >= cost) {
        found->lease_left -= cost;
        ++leased_;
        return stand(*found, now);
    }
    if (found->denied_until > now && cost >= found->denied_cost) {
        ++refused_;
        decision made = stand(*found, now);
        made.is = outcome::refused;
        made.retry_in = until(found->retry_at, now);
        return made;
    }
    return std::nullopt;
}

question shard_memory::ask(const client_key& key, std::uint64_t hash, std::uint32_t cost, time_point at)
{
    question q{.cost = cost};
    entry* const found = find(key, hash);
    if (found == nullptr) return q;
    const std::uint64_t now = nanos(at);
    micros shortest = by_.longest();
    for (const rule& one : by_.all()) shortest = std::min(shortest, one.window);
    const std::uint64_t rest = now - std::min(now, found->asked_at);
    const std::uint32_t spent = found->lease - found->lease_left;
    if (found->lease != 0)
        q.want = found->lease_until > now && found->lease_left < cost ? 2 * spent + cost : spent;
    else if (rest < sliding_window::width(shortest) * nanos_per_micro)
        q.want = 2 * cost;
    q.want = std::min(q.want, lease_max);
    q.back = found->lease_left;
    q.back_at = found->lease_end;
    found->lease_left = 0;
    return q;
}

decision shard_memory::learn(const client_key& key, std::uint64_t hash, std::uint32_t cost, const verdict& said,
                             time_point asked, time_point at)
{
    const std::uint64_t now = nanos(at);
    const std::uint64_t asked_at = nanos(asked);
    entry* found = find(key, hash);
    if (found == nullptr) found = &claim(key, hash, now);
    entry& e = *found;
    e.asked_at = asked_at;
    e.of_redis = !said.at_home;
    e.run = said.run;
    for (std::size_t i = 0; i < by_.size; ++i) {
        e.spent[i] = by_.list[i].requests - std::min(by_.list[i].requests, said.standings[i].left);
        e.more_at[i] = asked_at + said.standings[i].more_in * nanos_per_micro;
    }
    if (said.passes) {
        e.denied_until = 0;
        const std::uint64_t lease_until = asked_at + said.lease_for * nanos_per_micro;
        // Two questions of one sub-window may both have brought a lease. One of another sub-window is counted there,
        // and what is left of it cannot be added to this one.
        const bool same = said.lease != 0 && e.lease_left != 0 && e.lease_end == said.lease_end;
        e.lease_left = said.lease + (same ? e.lease_left : 0);
        e.lease = same ? e.lease + said.lease : said.lease;
        e.lease_until = same ? std::min(e.lease_until, lease_until) : lease_until;
        e.lease_end = said.lease_end;
        return stand(e, now);
    }
    e.denied_until = asked_at + said.passes_in * nanos_per_micro;
    e.retry_at = now + said.passes_in * nanos_per_micro;
    e.denied_cost = cost;
    decision made = stand(e, now);
    made.is = outcome::refused;
    made.retry_in = until(e.retry_at, now);
    return made;
}

shard_memory::redis_said shard_memory::known(const client_key& key, std::uint64_t hash, const rules& by, time_point at)
{
    const entry* const found = find(key, hash);
    if (found == nullptr || !found->of_redis || !by.same_windows(by_)) return {};
    return {told(*found, nanos(at)), found->run};
}

} // namespace sluice::limit

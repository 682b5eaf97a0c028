#include "cache/part_state.hpp"

#include <sluice/cache/shard_cache.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/hash.hpp>
#include <sluice/core/log.hpp>
#include <sluice/core/random.hpp>
#include <sluice/core/span.hpp>
#include <sluice/core/stage_timer.hpp>

#include <algorithm>
#include <utility>

namespace sluice::cache {

namespace {

constexpr metric_family lookups = {"sluice_cache_lookups_total", "Look-ups, by the tier that answered.",
                                   metric_kind::counter};
constexpr metric_family loader_calls = {"sluice_cache_loads_total", "Values asked of what is behind the cache.",
                                        metric_kind::counter};
constexpr metric_family fills = {"sluice_cache_fills_total", "Values stored in Redis.", metric_kind::counter};
constexpr metric_family failures = {"sluice_cache_redis_failures_total", "Commands of the cache that Redis did not do.",
                                    metric_kind::counter};

constexpr metric_family joined = {"sluice_cache_joined_total", "Look-ups that waited for a load in flight.",
                                  metric_kind::counter};
constexpr metric_family detached = {"sluice_cache_detached_total", "Loads that a write overtook, so nobody keeps them.",
                                    metric_kind::counter};
constexpr metric_family refused = {"sluice_cache_refused_total", "Look-ups refused at the bound of loads.",
                                   metric_kind::counter};
constexpr metric_family stale = {"sluice_cache_stale_total", "Expired values served, as the settings allow.",
                                 metric_kind::counter};
constexpr metric_family invalidated = {"sluice_cache_invalidated_total", "Keys that were written.",
                                       metric_kind::counter};
constexpr metric_family forgotten = {"sluice_cache_forgotten_total",
                                     "Times that the first tier was dropped, since a word of other processes may be "
                                     "missing.",
                                     metric_kind::counter};
constexpr metric_family pending = {"sluice_cache_pending", "Written keys whose deletion Redis has not confirmed.",
                                   metric_kind::gauge};
constexpr metric_family evictions = {"sluice_cache_evictions_total", "Entries that others displaced.",
                                     metric_kind::counter};
constexpr metric_family bytes = {"sluice_cache_bytes", "Memory that a tier occupies.", metric_kind::gauge};
constexpr metric_family entries = {"sluice_cache_entries", "Entries of a tier.", metric_kind::gauge};

std::string new_process_id()
{
    std::string made;
    for (std::uint64_t bits = random_bits(); made.size() < 16; bits /= 16) made += "0123456789abcdef"[bits % 16];
    return made;
}

} // namespace

shared_parts::shared_parts(unsigned shards, cache_options options)
    : options_(std::move(options)), channel_(options_.prefix + ":written"), process_id_(new_process_id()),
      parts_(shards, nullptr)
{
    options_.negative_ttl = std::min(options_.negative_ttl, options_.ttl);
}

shard_cache::shard_cache(shard& on, shared_parts& all, redis::client* second,
                         std::function<void(std::string_view)> announce)
    : state_(std::make_unique<part_state>(on, all, second, std::move(announce)))
{}

shard_cache::~shard_cache() = default;

unsigned shard_cache::add_kind(load_function load, check_function is_value)
{
    state_->kinds.push_back({std::move(load), std::move(is_value)});
    return static_cast<unsigned>(state_->kinds.size()) - 1;
}

std::optional<shard_cache::hit> shard_cache::look(std::uint64_t hash, std::string_view key)
{
    const auto found = state_->rules.look(hash, key, state_->here.now());
    if (!found) return std::nullopt;
    return hit{.value = found->value, .absent = found->absent, .expired = found->expired};
}

std::optional<answer> shard_cache::instead_of_failure(std::uint64_t hash, std::string_view key)
{
    return state_->rules.instead_of_failure(hash, key, state_->here.now());
}

void shard_cache::renew(unsigned kind, std::uint64_t hash, std::string_view key)
{
    state_->rules.renew(kind, hash, key, state_->here.now());
}

bool shard_cache::load(waiter& w, unsigned kind, std::uint64_t hash, std::string_view key)
{
    return state_->rules.join(w, kind, hash, key, state_->here.now());
}

void shard_cache::served(tier from)
{
    ++(from == tier::first ? state_->counts.l1 : from == tier::second ? state_->counts.l2 : state_->counts.misses);
    context* asked = context::current();
    if (asked == nullptr) return;
    // Of several look-ups the one that went furthest.
    const cache_tier here = from == tier::first    ? cache_tier::l1
                            : from == tier::second ? cache_tier::l2
                                                   : cache_tier::miss;
    asked->cache = std::max(asked->cache, here);
}

void shard_cache::heard(std::string_view key) { state_->rules.heard(hash_bytes(key), key, state_->here.now()); }

void shard_cache::forget_all() { state_->rules.forget_all(state_->here.now()); }

redis::subscriber::functions shard_cache::subscriber_functions()
{
    return {.heard =
                [this](const redis::message& m) {
                    const std::string& own = state_->all.process_id();
                    if (m.payload.size() <= own.size()) return forget_all(); // nobody of us said that
                    if (m.payload.starts_with(own)) return;
                    heard(m.payload.substr(own.size()));
                },
            .subscribed = [this] { forget_all(); },
            .lost = [this] { forget_all(); }};
}

cache_counters shard_cache::counters() const
{
    cache_counters now = state_->counts;
    const coherence_counters rules = state_->rules.counters();
    now.first = state_->kept.counters();
    now.joined = rules.joined;
    now.detached = rules.detached;
    now.refused = rules.refused;
    now.stale = rules.stale;
    now.invalidated = rules.invalidated;
    now.forgotten = rules.forgotten;
    now.pending = rules.pending;
    now.pending_overflows = rules.pending_overflows;
    return now;
}

void shard_cache::expose(metric_set& metrics) const
{
    const cache_counters& counted = state_->counts;
    metrics.read(lookups, {{"tier", "l1"}}, counted.l1);
    metrics.read(lookups, {{"tier", "l2"}}, counted.l2);
    metrics.read(lookups, {{"tier", "miss"}}, counted.misses);
    metrics.read(loader_calls, {}, counted.loader_calls);
    metrics.read(fills, {}, counted.fills);
    metrics.read(failures, {}, counted.second_tier_failures);

    const coherence_counters& rules = state_->rules.counters();
    metrics.read(joined, {}, rules.joined);
    metrics.read(detached, {}, rules.detached);
    metrics.read(refused, {}, rules.refused);
    metrics.read(stale, {}, rules.stale);
    metrics.read(invalidated, {}, rules.invalidated);
    metrics.read(forgotten, {}, rules.forgotten);
    metrics.read(pending, {}, rules.pending);

    const first_tier& kept = state_->kept;
    const metric_label first = {"tier", "l1"};
    metrics.read(evictions, {first}, [&kept] { return static_cast<double>(kept.counters().evictions); });
    metrics.read(bytes, {first}, [&kept] { return static_cast<double>(kept.counters().bytes); });
    metrics.read(entries, {first}, [&kept] { return static_cast<double>(kept.counters().entries); });
}

// --- Invalidations.

invalidations::~invalidations()
{
    if (left_ != 0) in_.state_->rules.abandon(*this);
}

void invalidations::add(std::uint64_t hash, std::string_view key)
{
    ++left_;
    in_.state_->rules.invalidate(hash, key, *this, in_.state_->here.now());
}

void invalidations::one_confirmed(invalidation_waiter& self)
{
    auto& me = static_cast<invalidations&>(self);
    if (--me.left_ == 0 && me.waiting_) me.all_.complete();
}

task<result<void>> invalidations::confirmed()
{
    if (left_ == 0) co_return result<void>();
    waiting_ = true;
    const part_state& part = *in_.state_;
    const stage_timer waiting(part.second ? stage::redis : stage::cache);
    span spreading("cache invalidation");
    const time_point began = part.here.now();
    const wait_end how = co_await all_.until();
    if (context* const request = context::current(); request != nullptr && part.second)
        request->redis_waited += part.here.now() - began;
    if (how == wait_end::completed) co_return result<void>();
    spreading.failed();
    if (how == wait_end::cancelled) co_return fail(how);
    co_return fail(errc::timeout, "The deadline passed; whether the write is seen everywhere is not known");
}

} // namespace sluice::cache

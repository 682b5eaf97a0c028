#include "cache/part_state.hpp"

#include "cache/work_scope.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/core/random.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::cache {

namespace {

constexpr duration deliver_every = std::chrono::milliseconds(20);
constexpr std::size_t deliver_at_once = 256;

// Up to a twentieth less, so that what was loaded together does not expire together.
duration jittered(duration life)
{
    return life -
           duration(static_cast<std::int64_t>(random_bits() % static_cast<std::uint64_t>(life.count() / 20 + 1)));
}

std::string_view value_of(const second_tier::reading& found) { return std::string_view(found.value).substr(1); }

std::optional<second_tier> open(redis::client* redis, const shared_parts& all)
{
    if (redis == nullptr) return std::nullopt;
    const cache_options& o = all.options();
    return std::optional<second_tier>(std::in_place, *redis, o.prefix, all.channel(), all.process_id(),
                                      std::min(o.ttl, o.load_timeout), o.first_tier_bytes != 0);
}

} // namespace

part_state::part_state(shard& on, shared_parts& a, redis::client* redis, std::function<void(std::string_view)> say)
    : here(on), all(a), kept({.bytes = a.options().first_tier_bytes / on.count()}), second(open(redis, a)),
      rules({.self = on.index(),
             .shards = on.count(),
             .second_tier = redis != nullptr,
             .longest_life = a.options().ttl,
             .stale_while_revalidate = a.options().stale_while_revalidate,
             .stale_on_error = a.options().stale_on_error,
             .flights_max = a.options().loads_max},
            kept, *this),
      announce_(std::move(say))
{
    SLUICE_ASSERT(on.count() == all.parts_.size());
    background_.stop = &on.background().stop();
    all.parts_[on.index()] = this;
}

void part_state::send(unsigned to, packet& p)
{
    p.to = all.parts_[to];
    here.send(to, p);
}

void part_state::load(flight& f) { here.background().spawn(run_load(f)); }

// When the time of whoever has the least of it is over, the load goes on to the loader, for all who wait.
void part_state::hurry(flight& f)
{
    if (f.asking != nullptr) f.asking->hurry(f.began + second->patience() - f.redis_waited);
}

// At this moment: another server may be there than a moment ago, and the key may have been written.
bool part_state::may_read_second(const flight& f)
{
    look_at_run();
    return second->usable() && rules.may_read_second_tier(f, here.now());
}

// What is no value of the key's kind is deleted, so that this load puts one there.
task<second_tier::reading> part_state::read_second(const flight& f)
{
    const auto usable = [&](const second_tier::reading& r) {
        return r.is != second_tier::reading::kind::found || r.absent || kinds[f.of].is_value(value_of(r));
    };
    auto seen = co_await second->read(f.key);
    if (usable(seen)) co_return seen;
    std::ignore = co_await second->erase(f.key);
    if (!may_read_second(f)) co_return {.is = second_tier::reading::kind::taken}; // this load stores nothing
    seen = co_await second->read(f.key);
    if (!usable(seen)) seen.is = second_tier::reading::kind::failed;
    co_return seen;
}

task<void> part_state::run_load(flight& f)
{
    work_scope during(here, "cache load", f.by, all.options().load_timeout);
    const auto end = [&](answer a) {
        a.began = during.began();
        a.spent = during.spent();
        rules.loaded(f, std::move(a), here.now());
    };

    ++counts.loads;
    second_tier::reading seen;
    if (may_ask(f.redis_waited) && may_read_second(f)) {
        const time_point asked = here.now();
        during.begin_hurry(asked + second->patience() - f.redis_waited);
        f.asking = &during;
        seen = co_await read_second(f);
        f.asking = nullptr;
        during.end_hurry();
        if (seen.is == second_tier::reading::kind::found) {
            ++counts.second_tier_hits;
            end({.value = value_of(seen),
                 .absent = seen.absent,
                 .from = tier::second,
                 .fresh_until = asked + seen.left});
            co_return;
        }
        if (seen.is == second_tier::reading::kind::failed) ++counts.second_tier_failures;
    }

    ++counts.loader_calls;
    const bool leased = seen.is == second_tier::reading::kind::leased;
    const pooled_string key(leased ? f.key : std::string_view());
    const time_point began = here.now();
    auto got = co_await kinds[f.of].load(f.key);
    bool fills = false;
    duration life = duration::zero();
    if (got) {
        life = jittered(got->absent ? all.options().negative_ttl : all.options().ttl);
        fills =
            leased && rules.may_fill_second_tier(f, here.now()) && got->value.size() <= second_tier::value_bytes_max;
        end({.value = got->value, .absent = got->absent, .from = tier::source, .fresh_until = began + life});
    } else {
        during.failed();
        end({.from = tier::source, .failure = std::move(got).error()});
    }
    // The flight is gone now, and nobody waits.
    if (fills) {
        if (co_await second->fill(key, seen, got->value, got->absent, life)) ++counts.fills;
    } else if (leased) {
        co_await second->give_back(key, seen);
    }
}

void part_state::erase(invalidation& i) { here.background().spawn(run_erase(i)); }

// For as long as the request that wrote may still wait for Redis: what is not confirmed by then is sent again.
task<void> part_state::run_erase(invalidation& i)
{
    bool confirmed = false;
    if (may_ask(i.redis_waited)) {
        work_scope during(here, "cache erase", i.by, second->patience() - i.redis_waited);
        confirmed = co_await second->erase(i.key);
        if (!confirmed) during.failed();
    }
    if (!confirmed) ++counts.second_tier_failures;
    look_at_run();
    rules.erased(i, confirmed, here.now());
    look_after_lost();
}

void part_state::erase_again(std::string_view key, std::uint64_t generation)
{
    here.background().spawn(run_erase_again(pooled_string(key), generation), &background_);
}

task<void> part_state::run_erase_again(pooled_string key, std::uint64_t generation)
{
    const bool confirmed = co_await second->erase(key);
    look_at_run();
    rules.erased_again(key, generation, confirmed, here.now());
    look_after_lost();
}

void part_state::look_at_run()
{
    if (!second) return;
    if (const auto run = second->run()) rules.second_tier_is(*run, here.now());
    look_after_lost();
}

void part_state::look_after_lost()
{
    if (delivering_ || !rules.any_lost()) return;
    delivering_ = true;
    here.background().spawn(deliver_what_was_lost(), &background_);
}

task<void> part_state::deliver_what_was_lost()
{
    while (rules.any_lost()) {
        if (const auto slept = co_await sleep_for(deliver_every); !slept) break; // the shard ends
        if (!second->answers()) continue;
        look_at_run(); // before they are gone through, so that none is added meanwhile
        rules.erase_lost(deliver_at_once);
    }
    delivering_ = false;
}

void part_state::announce(std::string_view key)
{
    if (announce_) announce_(key);
}

} // namespace sluice::cache

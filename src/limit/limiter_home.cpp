// What a key's home keeps of it while Redis does not count for everybody, and what the home and Redis tell each other.
#include "limit/limiter_state.hpp"

#include <algorithm>
#include <utility>

namespace sluice::limit {

namespace {

micros micros_now() noexcept
{
    return static_cast<micros>(
        std::chrono::duration_cast<std::chrono::microseconds>(shard::current().now().time_since_epoch()).count());
}

} // namespace

// The home goes by the policy in force. Who asks may have begun under one before: of counts over other windows it takes
// nothing, and above all it does not begin anew with those windows.
task<verdict> limiter_state::ask_home(client_key key, std::uint64_t hash, const prepared& now, question q)
{
    if (q.cost != 0) ++counters_.asked_home; // and not told
    co_return co_await on_shard(shared_.home_of(hash), [&shared = shared_, &now, key, hash, q] {
        const shard& here = shard::current();
        const rules& by = shared.in_force().by;
        const question asked = by.same_windows(now.by) ? q : question{.cost = q.cost, .want = q.want};
        verdict said = shared.at(here.index()).counters.decide(key, hash, by, asked, micros_now());
        said.at_home = true;
        return said;
    });
}

// What this process knows to be spent. In an outage of Redis, and after it, the key's home keeps that, from what Redis
// has told any of the shards on.
task<spent_counts> limiter_state::known_at_home(client_key key, std::uint64_t hash, const prepared& now, trust in)
{
    const unsigned home = shared_.home_of(hash);
    const std::uint32_t outage = shared_.outages();
    const bool known = co_await on_shard(home, [&shared = shared_, key, hash, outage] {
        return shared.at(shard::current().index()).counters.knows(key, hash, outage);
    });
    if (!known || in == trust::nothing) {
        question tell{.cost = 0, .anew = true};
        bool first = true;
        for (unsigned i = 0; i < shard_.count(); ++i) {
            const auto said = co_await on_shard(i, [&shared = shared_, &now, key, hash] {
                const shard& here = shard::current();
                return shared.at(here.index()).memory.known(key, hash, now.by, here.now());
            });
            if (said.spent == spent_counts()) continue;
            tell.run = std::exchange(first, false) || tell.run == said.run ? said.run : 0;
            std::ranges::transform(tell.least, said.spent, tell.least.begin(),
                                   [](auto a, auto b) { return std::max(a, b); });
        }
        (void)co_await ask_home(key, hash, now, tell);
    }
    co_return co_await on_shard(home, [&shared = shared_, &now, key, hash, outage] {
        const shard& here = shard::current();
        counter_table& counters = shared.at(here.index()).counters;
        counters.note_known(key, hash, outage);
        return counters.used(key, hash, now.by, micros_now());
    });
}

// As the process numbers it, which it has to be asked for only where that may have changed.
std::uint32_t limiter_state::run_of_redis()
{
    const std::string_view name = redis_->run_id();
    if (name != run_ || shared_.runs() != run_number_) {
        run_ = name;
        run_number_ = shared_.run_number(name);
    }
    return run_number_;
}

task<void> limiter_state::hand_over(client_key key, std::uint64_t hash, const prepared& now, question& q)
{
    (void)co_await known_at_home(key, hash, now);
    struct known
    {
        spent_counts spent{};
        counter_table::untold untold;
    };
    const known at_home =
        co_await on_shard(shared_.home_of(hash), [&shared = shared_, &now, key, hash, run = run_of_redis()] {
            if (!shared.in_force().by.same_windows(now.by)) return known{};
            counter_table& counters = shared.at(shard::current().index()).counters;
            return known{counters.used(key, hash, now.by, micros_now()), counters.hand_over(key, hash, run)};
        });
    q.least = at_home.spent;
    q.more = at_home.untold.count;
    q.anew = at_home.untold.anew;
}

task<void> limiter_state::note_told(client_key key, std::uint64_t hash, const prepared& now, const question& q,
                                    bool heard)
{
    using enum counter_table::heard;
    const counter_table::untold what = {.count = q.more, .anew = q.anew};
    if (what.nothing()) co_return;
    const auto by_redis = heard ? yes : q.lost ? unknown : no;
    co_await on_shard(shared_.home_of(hash), [&shared = shared_, &now, key, hash, what, by_redis] {
        if (!shared.in_force().by.same_windows(now.by)) return;
        shared.at(shard::current().index()).counters.told(key, hash, what, by_redis);
    });
}

// An answer of Redis that comes while the process, or a shard of it, counts by itself: the home has to know of it.
task<void> limiter_state::tell_home(client_key key, std::uint64_t hash, const prepared& now, spent_counts others,
                                    std::uint32_t let_pass)
{
    co_await on_shard(shared_.home_of(hash), [&shared = shared_, &now, key, hash, others, let_pass] {
        const shard& here = shard::current();
        const rules& by = shared.in_force().by;
        if (!by.same_windows(now.by)) return;
        shared.at(here.index()).counters.hear(key, hash, by, others, let_pass, micros_now());
    });
}

} // namespace sluice::limit

// What a key's home keeps of it while Redis does not count for everybody, and what the home and Redis tell each other.
#include "limit/limiter_state.hpp"

#include <algorithm>

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
        for (unsigned i = 0; i < shard_.count(); ++i) {
            const auto used = co_await on_shard(i, [&shared = shared_, &now, key, hash] {
                const shard& here = shard::current();
                place& at = shared.at(here.index());
                if (at.generation != now.generation) return spent_counts{}; // it knows by another policy
                return at.memory.known(key, hash, now.by, here.now());
            });
            std::ranges::transform(tell.least, used, tell.least.begin(), [](auto a, auto b) { return std::max(a, b); });
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

task<void> limiter_state::hand_over(client_key key, std::uint64_t hash, const prepared& now, question& q)
{
    q.least = co_await known_at_home(key, hash, now);
    const std::uint32_t run = shared_.run_number(redis_->run_id());
    const auto untold = co_await on_shard(shared_.home_of(hash), [&shared = shared_, key, hash, run] {
        return shared.at(shard::current().index()).counters.hand_over(key, hash, run);
    });
    q.more = untold.count;
    q.anew = untold.anew;
}

// Of that question Redis has not heard, or nobody knows.
task<void> limiter_state::take_back(client_key key, std::uint64_t hash, const question& q)
{
    if (q.more == 0 && !q.anew) co_return;
    co_await on_shard(shared_.home_of(hash),
                      [&shared = shared_, key, hash, what = counter_table::untold{q.more, q.anew}] {
                          shared.at(shard::current().index()).counters.take_back(key, hash, what);
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

#include "limit/limiter_state.hpp"
#include "limit/script.hpp"

#include <sluice/coro/stop.hpp>

#include <algorithm>
#include <utility>

namespace sluice::limit {

namespace {

micros micros_of(time_point t) noexcept
{
    return static_cast<micros>(std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count());
}

decision decision_of(const verdict& said)
{
    return {.is = said.passes ? outcome::passes : outcome::refused,
            .retry_in = std::chrono::microseconds(said.passes_in),
            .quotas = said.size,
            .standings = said.standings};
}

// What stands behind a verdict, but for what is the question's own.
spent_counts spent_by_others(const rules& by, const verdict& said, std::uint32_t own)
{
    spent_counts others{};
    for (std::size_t i = 0; i < by.size; ++i) {
        const std::uint32_t spent = by.list[i].requests - said.standings[i].left;
        others[i] = spent - std::min(spent, own);
    }
    return others;
}

} // namespace

limiter_state::limiter_state(shard& on, rate_limit& limited, redis::client* redis)
    : of(limited), shard_(on), shared_(limited.state()), redis_(redis)
{
    SLUICE_ASSERT(on.count() == shared_.shards()); // or a shard would have no place, or a key no home
    background_.stop = &on.background().stop();
}

limiter_state::~limiter_state()
{
    if (settled_.armed()) shard_.timers().cancel(settled_);
}

const prepared& limiter_state::in_force()
{
    const prepared& now = shared_.in_force();
    if (std::exchange(mine().by, &now) != &now) mine().memory.go_by(now.by);
    return now;
}

decision limiter_state::count(decision made) noexcept
{
    switch (made.is) {
    case outcome::passes:
        ++counters_.passed;
        break;
    case outcome::refused:
        ++counters_.refused;
        break;
    case outcome::unanswered:
        ++counters_.unanswered;
        break;
    }
    return made;
}

decision limiter_state::without_redis(const prepared& now, bool open) noexcept
{
    decision made{.is = open ? outcome::passes : outcome::unanswered, .quotas = now.by.size};
    if (!open) made.retry_in = std::chrono::seconds(1);
    for (std::size_t i = 0; i < now.by.size; ++i) made.standings[i].left = open ? now.by.list[i].requests : 0;
    return made;
}

std::optional<decision> limiter_state::decide_at_once(const client_key& key, std::uint64_t hash, std::uint32_t cost)
{
    const prepared& now = in_force();
    const bool away = redis_ != nullptr && shared_.failing();
    if (away && now.said.without_redis != on_failure::local)
        return count(without_redis(now, now.said.without_redis == on_failure::open));
    const bool home = shared_.home_of(hash) == shard_.index();
    if (home && (redis_ == nullptr || (away && mine().counters.knows(key, hash, shared_.outages())))) {
        ++counters_.asked_home;
        return count(decision_of(mine().counters.decide(key, hash, now.by, {.cost = cost}, micros_of(shard_.now()))));
    }
    if (auto known = mine().memory.look(key, hash, cost, shard_.now())) return count(*known);
    return std::nullopt;
}

limiter_state::under_way* limiter_state::find(const client_key& key, std::uint64_t hash, std::uint32_t cost,
                                              time_point until) noexcept
{
    under_way* found = nullptr;
    asking_[hash % asking_.size()].for_each([&](under_way& one) {
        if (one.key == key && one.spare >= cost && one.until <= until) found = &one;
    });
    return found;
}

task<decision> limiter_state::decide(client_key key, std::uint64_t hash, std::uint32_t cost)
{
    if (auto decided = decide_at_once(key, hash, cost)) co_return *decided;
    const time_point began = shard_.now();
    context* const request = context::current();
    time_point until = began + shared_.options().redis_patience;
    if (request != nullptr) until = std::min(until - request->redis_waited, request->deadline);
    // What it waits here it will not wait again for Redis.
    const auto charge = [&] {
        if (request != nullptr && redis_ != nullptr) request->redis_waited += shard_.now() - began;
    };
    if (under_way* other = find(key, hash, cost, until)) {
        other->spare -= cost;
        ++counters_.joined;
        co_await other->answered.wait();
        if (auto decided = decide_at_once(key, hash, cost)) {
            charge();
            co_return *decided;
        }
    }
    // Others wait for this question, so it does not end with this request, whose it is in its trace and its log.
    context own;
    own.deadline = until;
    if (request != nullptr) {
        own.trace = request->trace;
        own.spans = request->spans;
        own.task = request->task;
        own.debug = request->debug;
    }
    own.stages.begin(steady_clock::now());
    context::exchange_current(&own);
    under_way mine_own;
    mine_own.key = key;
    mine_own.until = until;
    decision made = co_await ask(key, hash, cost, mine_own);
    mine_own.unlink();
    mine_own.answered.set();
    context::exchange_current(request);
    charge();
    const time_point now = steady_clock::now();
    own.stages.charge(now);
    if (request != nullptr) request->stages.absorb(own.stages, now);
    co_return count(made);
}

task<decision> limiter_state::ask(client_key key, std::uint64_t hash, std::uint32_t cost, under_way& question_of)
{
    const prepared& now = in_force();
    const time_point asked_at = shard_.now();
    question q = mine().memory.ask(key, hash, cost, asked_at);
    for (const rule& one : now.by.all()) q.want = std::min(q.want, one.requests / lease_share_of_limit);
    question_of.spare = q.want;
    if (q.want != 0) asking_[hash % asking_.size()].push_back(question_of);

    result<verdict> said = fail(errc::unavailable);
    if (redis_ == nullptr)
        said = co_await ask_home(key, hash, now, q);
    else
        said = co_await ask_redis_or_home(key, hash, cost, now, q);
    if (!said) co_return without_redis(now, now.said.without_redis == on_failure::open);
    // Under a policy that has been changed since: what this shard decides by it is forgotten, or will be.
    if (&shared_.in_force() != &now) co_return decision_of(*said);
    co_return mine().memory.learn(key, hash, cost, *said, asked_at, shard_.now());
}

// The process may go over to counting by itself, or back, while the question is on its way. Then it has passed where
// the others are not counted any more, and is decided about where they are, which hears of all but this one. A failure:
// nobody decides, since the process is not to.
task<result<verdict>> limiter_state::ask_redis_or_home(client_key key, std::uint64_t hash, std::uint32_t cost,
                                                       const prepared& now, question q)
{
    const bool local = now.said.without_redis == on_failure::local;
    result<verdict> heard = fail(errc::unavailable);
    if (!shared_.failing()) {
        question told = q;
        if (shared_.recovering(shard_.now(), now.by.longest())) co_await hand_over(key, hash, now, told);
        heard = co_await ask_redis_for(key, now, told);
        co_await note_told(key, hash, now, told, heard.has_value());
    }
    if (heard && local && heard->passes && shared_.failing()) {
        (void)co_await known_at_home(key, hash, now);
        co_await tell_home(key, hash, now, spent_by_others(now.by, *heard, cost + heard->lease), 0);
        q.back = 0; // that was given back
        q.counted = true;
        co_return co_await ask_home(key, hash, now, q);
    }
    if (heard) {
        const std::uint32_t own = heard->passes ? cost + heard->lease : 0;
        if (home_counts()) co_await tell_home(key, hash, now, spent_by_others(now.by, *heard, own), own);
        co_return heard;
    }
    if (!local) co_return heard;

    const bool alone = heard.error().code == errc::overloaded;
    if (alone) shared_.decided_alone(shard_.now());
    (void)co_await known_at_home(key, hash, now, alone ? trust::nothing : trust::this_outage);
    const verdict said = co_await ask_home(key, hash, now, q);
    if (!said.passes || alone || shared_.failing() || redis_->counters().away) co_return said;
    q.back = 0;
    co_await hand_over(key, hash, now, q);
    question others = q;
    others.more -= std::min(q.more, cost + said.lease);
    for (auto& spent : others.least) spent -= std::min(spent, cost + said.lease);
    heard = co_await ask_redis_for(key, now, others);
    q.lost = others.lost;
    co_await note_told(key, hash, now, q, heard.has_value());
    if (!heard) co_return said;
    if (home_counts()) co_await tell_home(key, hash, now, spent_by_others(now.by, *heard, 0), 0);
    co_return heard;
}

task<result<verdict>> limiter_state::ask_redis_for(const client_key& key, const prepared& now, question& q)
{
    std::array<char, prepared::redis_names_max + client_key::name_size> name;
    char* const end = std::ranges::copy(now.redis_names, name.data()).out;
    key.write_name(end);
    const std::array<std::string_view, 1> keys = {{{name.data(), now.redis_names.size() + client_key::name_size}}};

    const duration has = context::current()->deadline - shard_.now();
    if (has <= duration::zero()) {
        ++counters_.spent;
        co_return fail(errc::overloaded, "The request has waited for Redis already");
    }
    ++counters_.asked_redis;
    const std::uint32_t run = run_of_redis();
    result<redis::reply> said = co_await ask_redis(*redis_, redis_decision, keys, now.by, q);
    if (!said && said.error().code == errc::outcome_unknown && !redis_->counters().away) {
        // The connection was lost and may be replaced at once. If the first was counted, the second errs on the safe
        // side; what is given back is given once, and what was told again only as far as Redis has less in all.
        question again = q;
        again.back = again.more = 0;
        again.anew = q.anew || q.more != 0;
        said = co_await ask_redis(*redis_, redis_decision, keys, now.by, again);
    }
    q.lost = !said && (said.error().code == errc::timeout || said.error().code == errc::outcome_unknown);
    result<verdict> heard = said ? read_verdict(*said) : result<verdict>(fail(std::move(said.error())));
    if (heard && heard->size != now.by.size) heard = fail(errc::internal, "The script spoke of another policy");
    if (heard && run_of_redis() == run) heard->run = run;
    if (heard && heard->unreadable) ++counters_.unreadable;
    if (!heard && says_nothing_of_redis(heard.error(), has)) co_return fail(errc::overloaded);
    if (!heard) redis_failed(heard.error());
    co_return heard;
}

// Too much waits for it already, or this request had much less time for it than others have: neither is an outage.
bool limiter_state::says_nothing_of_redis(const error& why, duration had)
{
    if (why.code == errc::overloaded) {
        ++counters_.crowded;
        return true;
    }
    const bool hurried = had < shared_.options().redis_patience / 2;
    if (why.code != errc::timeout || !hurried || redis_->counters().away) return false;
    ++counters_.spent;
    return true;
}

void limiter_state::redis_failed(const error& why)
{
    ++counters_.failures;
    if (failing_) return;
    // A client that waits before it connects again asks nothing, and learns later than others that an outage is over.
    const redis::client_counters now = redis_->counters();
    const bool unasked = why.code == errc::unavailable && now.away;
    if (unasked && shared_.settling(shard_.now())) return;
    failing_ = true;
    const auto what = now.away || !now.connected ? outage_of::connections : outage_of::decisions;
    shared_.begin_failing(why.detail.c_str(), shard_.now(), what);
    shard_.background().spawn(watch_for_redis(), &background_);
}

// Until a decision comes through: that Redis answers a ping does not say that it takes writes.
task<void> limiter_state::watch_for_redis()
{
    constexpr duration pause = std::chrono::milliseconds(50);
    const rules any = rules(policy{.quotas = {{.requests = 1'000'000, .window = std::chrono::seconds(1)}}});
    const std::array<std::string_view, 1> probe = {"sluice:limit:probe"};
    for (;;) {
        const result<void> slept = co_await sleep_for(pause);
        if (!slept) co_return; // the shard ends
        if (redis_->counters().away) continue;
        const result<redis::reply> said = co_await ask_redis(*redis_, redis_decision, probe, any, {});
        if (said) break;
    }
    failing_ = false;
    if (!shared_.end_failing(shard_.now(), redis_->run_id()))
        shard_.timers().arm(settled_, shard_.now() + outage_log::quiet_after);
}

limiter_counters limiter_state::counters() const
{
    const place& here = shared_.at(shard_.index());
    return {.passed = counters_.passed,
            .refused = counters_.refused,
            .unanswered = counters_.unanswered,
            .asked_redis = counters_.asked_redis,
            .asked_home = counters_.asked_home,
            .joined = counters_.joined,
            .leased = here.memory.leased(),
            .refused_at_once = here.memory.refused(),
            .failures = counters_.failures,
            .crowded = counters_.crowded,
            .spent = counters_.spent,
            .unreadable = counters_.unreadable,
            .evicted = here.counters.evicted()};
}

limiter::limiter(shard& on, rate_limit& of, redis::client* redis)
    : state_(std::make_unique<limiter_state>(on, of, redis))
{}

limiter::~limiter() = default;

std::optional<decision> limiter::decide_at_once(const client_key& key, std::uint32_t cost)
{
    return state_->decide_at_once(key, key.hash(), cost);
}

task<decision> limiter::decide(client_key key, std::uint32_t cost) { return state_->decide(key, key.hash(), cost); }

void limiter::expose(metric_set& in) const { state_->expose(in); }

const rate_limit& limiter::of() const noexcept { return state_->of; }

limiter_counters limiter::counters() const { return state_->counters(); }

} // namespace sluice::limit

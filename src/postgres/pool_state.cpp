#include "postgres/pool_state.hpp"

#include "postgres/errors.hpp"

#include <sluice/core/context.hpp>

#include <algorithm>
#include <chrono>

namespace sluice::postgres {

namespace {

// A connection that answers faster than this, one by one, is quicker with more in its pipeline than two are.
constexpr duration quick = std::chrono::microseconds(200);
constexpr duration stalled_after = std::chrono::milliseconds(10);

} // namespace

pool_state::pool_state(shard& on, offload_pool& blocking, pool_options options)
    : shard_(on), blocking_(blocking), options_(std::move(options)),
      limits_{.queries_max = options_.queries_max,
              .own_session = !options_.transaction_pooler,
              .stalled_after = stalled_after,
              .age_max = options_.age_max,
              .given_up_after = options_.statement_timeout + 2 * options_.connect_timeout}
{
    options_.connections_max = std::max(1U, options_.connections_max);
    options_.connections_min = std::clamp(options_.connections_min, 1U, options_.connections_max);
    if (options_.metrics != nullptr) metrics_.emplace(*options_.metrics, counters_, options_);
    background_.stop = cancelling_.stop = &on.background().stop();
    open_.reserve(options_.connections_max);
    grow();
}

pool_state::~pool_state()
{
    closing_ = true;
    for (timer* t : std::array<timer*, 4>{&patience_, &retry_, &house_, &soon_})
        if (t->armed()) shard_.timers().cancel(*t);
    for (auto& c : open_) c->give_up({});
    SLUICE_ASSERT(std::ranges::all_of(queues_, &queue::empty) && wanted_.empty() && leased_.empty());
}

// --- Which connection.

connection* pool_state::choose(const query_run& q)
{
    const bool stalls = stalls_elsewhere(q.what);
    if (stalls || stalled_in_vain(&q.what)) {
        // Half of the connections stay for statements that do not stall.
        const bool full = stalled_connections() * 2 >= options_.connections_max;
        if (full && waits_for_its_kind(q.what)) return nullptr;
        connection* own = idle_one(first_without_writes()); // beyond the half it is the first of its kind
        if (own == nullptr)
            grow();
        else
            own->run_alone(q.what);
        if (own != nullptr || stalls) return own; // what may not stall again waits for its own kind alone
    }
    const bool wary = leaves_the_last(q.what);
    const bool reads = q.what.does == access::reads && !wary;
    // The writes of one moment may all wait for one lock, which is known only when each connection has some of them: so
    // they leave one to the reads, as what is known to wait does.
    connection* kept = reads ? nullptr : first_without_writes();
    connection* best = reads ? first_for_read() : idle_one(kept);
    if (best != nullptr) return best;
    grow();
    best = least_busy(kept);
    // Where others are at work that take no more, they will again.
    return best != nullptr || others_work(kept) || (wary && others_stall(kept)) ? best : kept;
}

connection* pool_state::first_without_writes() noexcept
{
    for (const auto& c : open_)
        if (c->takes() && c->writes() == 0) return c.get();
    return nullptr;
}

connection* pool_state::first_for_read() noexcept
{
    for (const auto& c : open_)
        if (c->takes() && (c->idle() || (c->writes() == 0 && c->pace() < quick))) return c.get();
    return nullptr;
}

// The last, because reads gather on the first.
connection* pool_state::idle_one(const connection* except) noexcept
{
    for (auto c = open_.rbegin(); c != open_.rend(); ++c)
        if ((*c)->takes() && (*c)->idle() && c->get() != except) return c->get();
    return nullptr;
}

connection* pool_state::calm_one(const connection* except) noexcept
{
    for (auto c = open_.rbegin(); c != open_.rend(); ++c)
        if ((*c)->takes() && (*c)->idle() && !(*c)->cancelling() && c->get() != except) return c->get();
    return nullptr;
}

connection* pool_state::least_busy(const connection* except) noexcept
{
    connection* best = nullptr;
    for (const auto& c : open_)
        if (c->takes() && c.get() != except && (best == nullptr || c->size() < best->size())) best = c.get();
    return best;
}

bool pool_state::others_work(const connection* except) const noexcept
{
    return std::ranges::any_of(open_, [except](const auto& c) {
        if (c.get() == except) return false;
        // No write has to wait for what a read waits for.
        const bool works = !c->idle() && (!c->is_stalled() || c->writes() > 0);
        return works || c->in_use() == connection::use::leased;
    });
}

bool pool_state::others_stall(const connection* except) const noexcept
{
    return std::ranges::any_of(open_, [except](const auto& c) { return c.get() != except && c->is_stalled(); });
}

// What stalled in vain may do so again, beside others of the same lock: it leaves one to the rest, as writes do. Two
// are too few for that, where it reads.
bool pool_state::leaves_the_last(const statement& s) const noexcept
{
    const bool beside_others = open_.size() > 2 && stalled_connections() > 0;
    return stalled_in_vain(&s) && (s.does == access::writes || beside_others);
}

bool pool_state::stalls_elsewhere(const statement& s) const noexcept
{
    return std::ranges::any_of(open_, [&s](const auto& c) { return c->stalled_by() == &s; });
}

bool pool_state::waits_for_its_kind(const statement& s) const noexcept
{
    return std::ranges::any_of(open_, [&s](const auto& c) { return c->stalled_by() == &s || c->alone() == &s; });
}

unsigned pool_state::stalled_connections() const noexcept
{
    return static_cast<unsigned>(
        std::ranges::count_if(open_, [](const auto& c) { return c->is_stalled() || c->alone() != nullptr; }));
}

// --- Queries, and those that wait.

void pool_state::submit(query_run& q)
{
    changed();
    ++counters_.queries;
    if (connection* c = choose(q)) return c->submit(q);
    if (known_away()) {
        ++counters_.refused;
        return q.end(fail(unavailable("The database is away")));
    }
    if (waiters_ >= options_.waiters_max) {
        ++counters_.refused;
        return q.end(fail(unavailable("Too much waits for the database already")));
    }
    enqueue(q);
}

// Where those wait that wait for the same, the oldest first: none stands in the way of others.
pool_state::queue& pool_state::place_of(const query_run& q) noexcept
{
    if (waits_for_its_kind(q.what)) return held_;
    if (leaves_the_last(q.what)) return wary_;
    return q.what.does == access::writes ? writing_ : waiting_;
}

void pool_state::enqueue(query_run& q)
{
    changed();
    q.waiting_since = shard_.now();
    q.queued.emplace(stage::pool_wait, q.request);
    place_of(q).push_back(q);
    ++waiters_;
    arm_patience();
}

bool pool_state::leave(query_run& q)
{
    if (q.on != nullptr) return q.on->leave(q);
    if (!q.linked()) return false;
    changed();
    --waiters_;
    q.unlink();
    return false;
}

void pool_state::returned(query_run& q, pipeline::verdict why)
{
    switch (why) {
    case pipeline::verdict::outcome_unknown:
        return q.end(fail(outcome_unknown()));
    case pipeline::verdict::lost:
        return q.end(fail(unavailable("The database went away")));
    case pipeline::verdict::again_elsewhere:
        q.lost_at = std::min(q.lost_at, shard_.now());
        ++counters_.repeated;
        break;
    default:
        break;
    }
    if (q.exclusive) return q.end(fail(unavailable("The database went away")));
    if (connection* c = choose(q)) return c->submit(q);
    enqueue(q);
}

void pool_state::serve()
{
    // In turn, so that none waits for another's end; then the transactions, which keep a connection from the next.
    for (bool again = true; again;) {
        again = false;
        for (queue* one : queues_) again = serve_first(*one) || again;
        if (!again) again = serve_leases();
    }
}

bool pool_state::serve_first(queue& waiting)
{
    if (waiting.empty()) return false;
    query_run& first = waiting.front();
    connection* c = choose(first);
    if (c == nullptr) {
        // For what it waits may have changed since it came.
        if (&place_of(first) == &waiting) return false;
        sort_waiters();
        return true;
    }
    changed();
    first.unlink();
    --waiters_;
    count_wait(first.waiting_since);
    c->submit(first);
    return true;
}

// Something stalls, or does no more: who waits for that alone, and who like others? The oldest stay first, because they
// are whose patience ends first.
void pool_state::sort_waiters()
{
    queue all;
    for (queue* one : queues_) merge(all, *one);
    while (!all.empty()) {
        query_run& q = all.pop_front();
        place_of(q).push_back(q);
    }
}

void pool_state::merge(queue& into, queue& from)
{
    queue merged;
    while (!into.empty() && !from.empty())
        merged.push_back((from.front().waiting_since < into.front().waiting_since ? from : into).pop_front());
    merged.splice_back(into);
    merged.splice_back(from);
    into.splice_back(merged);
}

void pool_state::arm_patience()
{
    time_point first = never;
    for (queue* q : queues_)
        if (!q->empty()) first = std::min(first, q->front().waiting_since + options_.connect_timeout);
    if (first != never) shard_.timers().arm(patience_, first);
}

void pool_state::expire_waiting()
{
    for (queue* one : queues_) expire(*one);
    arm_patience();
}

void pool_state::expire(queue& waiting)
{
    while (!waiting.empty() && waiting.front().waiting_since + options_.connect_timeout <= shard_.now()) {
        query_run& first = waiting.pop_front();
        changed();
        --waiters_;
        ++counters_.timeouts;
        first.end(fail(unavailable("No connection to the database came free in time")));
    }
}

// --- Transactions.

task<result<void>> pool_state::take(lease& l)
{
    if (known_away()) {
        ++counters_.refused;
        co_return fail(unavailable("The database is away"));
    }
    if (waiters_ >= options_.waiters_max) {
        ++counters_.refused;
        co_return fail(unavailable("Too much waits for the database already"));
    }
    const stage_timer waiting(stage::pool_wait);
    changed();
    ++waiters_;
    l.since = shard_.now();
    wanted_.push_back(l);
    serve_leases();
    const wait_end how = co_await l.granted.until(shard_.now() + options_.connect_timeout);
    changed();
    --waiters_;
    if (l.on != nullptr) co_return {}; // even if it came in the turn in which the wait ended otherwise
    l.unlink();
    serve(); // what was reserved for it may be another's
    if (how == wait_end::completed) co_return fail(unavailable("The database went away"));
    if (how == wait_end::cancelled) co_return fail(how);
    ++counters_.timeouts;
    const context* asked = context::current();
    if (asked != nullptr && asked->deadline <= shard_.now()) co_return fail(too_late(false));
    co_return fail(unavailable("No connection to the database came free in time"));
}

bool pool_state::serve_leases()
{
    using use = connection::use;
    // All but one of the connections may belong to transactions, so that queries find one.
    const unsigned most = std::max(1U, options_.connections_max - 1);
    // Nor do they take the last that has no writes: what all others do may wait for one lock.
    const auto kept = [this] {
        const connection* last = first_without_writes();
        return others_work(last) ? last : nullptr;
    };
    unsigned leased = count_uses(use::leased);
    for (const auto& c : open_) {
        const bool granted = c->in_use() == use::reserved && c->idle() && !c->cancelling() && !wanted_.empty();
        if (!granted || leased >= most) continue;
        grant(*c);
        ++leased;
    }
    unsigned reserved = count_uses(use::reserved);
    // One that stalls may be long in coming: another that is idle before it will do.
    auto stalled = static_cast<unsigned>(
        std::ranges::count_if(open_, [](const auto& c) { return c->in_use() == use::reserved && c->is_stalled(); }));
    std::size_t wanted = 0;
    wanted_.for_each([&wanted](lease&) { ++wanted; });
    for (; wanted > 0 && reserved - stalled + leased < most; --wanted, ++leased) {
        connection* c = calm_one(kept());
        if (c == nullptr) break;
        grant(*c);
    }
    if (wanted > reserved - stalled && grow()) return false;
    bool given_back = false;
    for (const auto& c : open_) {
        const bool enough = wanted == 0 || reserved - stalled > wanted || reserved + leased > most;
        if (c->in_use() != use::reserved || !enough) continue;
        c->set_use(use::shared);
        --reserved;
        if (c->is_stalled()) --stalled;
        given_back = true;
    }
    for (; wanted > reserved - stalled && reserved + leased < most; ++reserved) {
        connection* c = least_busy(kept());
        // What is idle is granted as soon as no cancellation can meet what runs there. Until then queries may have it.
        if (c == nullptr || c->idle()) break;
        c->set_use(use::reserved); // it takes nothing more, and is granted once it is idle
    }
    return given_back;
}

unsigned pool_state::count_uses(connection::use how) const noexcept
{
    return static_cast<unsigned>(std::ranges::count_if(open_, [how](const auto& c) { return c->in_use() == how; }));
}

void pool_state::grant(connection& c)
{
    lease& l = wanted_.pop_front();
    c.set_use(connection::use::leased);
    count_wait(std::exchange(l.since, shard_.now()));
    l.on = &c;
    leased_.push_back(l);
    l.granted.complete();
}

void pool_state::give_back(lease& l, bool clean)
{
    changed();
    l.unlink();
    connection* c = std::exchange(l.on, nullptr);
    if (c == nullptr) return;
    count_use(l);
    c->set_use(connection::use::shared);
    if (clean) return has_room(*c);
    if (c->abandon()) ++counters_.cancels;
}

} // namespace sluice::postgres

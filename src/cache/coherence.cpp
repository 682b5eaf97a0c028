#include "cache/coherence.hpp"

#include <sluice/core/context.hpp>

#include <algorithm>
#include <utility>

namespace sluice::cache {

namespace {

bool absent(const cached& c) noexcept { return c.flags == entry_flags::absent; }

requester requester_of(const context* request)
{
    if (request == nullptr) return {};
    return {request->trace, pooled_string(request->trace_state), request->task, request->debug};
}

duration redis_waited_by(const context* request) noexcept
{
    return request == nullptr ? duration::zero() : request->redis_waited;
}

answer answer_of(const cached& c)
{
    return {.value = c.value, .absent = absent(c), .from = tier::first, .fresh_until = c.fresh_until};
}

} // namespace

coherence::coherence(coherence_options options, first_tier& kept, coherence_actions& actions)
    : options_(options), kept_(kept), actions_(actions), table_(options.flights_max),
      pending_(options.pending_max, options.longest_life)
{
    for (unsigned home = 0; home < options_.shards; ++home)
        all_of_.push_back(invalidation::make(0, {}, options_.shards));
    for (invalidation* all : all_of_) all->everything = true;
}

coherence::~coherence()
{
    // Packets that were under way when the shards ended: nobody will receive them.
    table_.for_each([this](flight& f) { detach(f); });
    while (!detached_.empty()) flight::free(&detached_.pop_front());
    while (!sent_.empty()) {
        invalidation& i = sent_.pop_front();
        if (!i.everything) invalidation::free(&i);
    }
    while (!lent_.empty()) lent_value::free(&lent_.pop_front());
    for (invalidation* all : all_of_) invalidation::free(all);
}

// --- Readers.

std::optional<coherence::hit> coherence::look(std::uint64_t hash, std::string_view key, time_point now)
{
    const auto found = kept_.find(hash, key, now);
    if (!found) return std::nullopt;
    const bool expired = now >= found->fresh_until;
    if (expired && now >= found->fresh_until + options_.stale_while_revalidate) return std::nullopt;
    if (expired) ++counters_.stale;
    return hit{.value = found->value, .absent = absent(*found), .expired = expired};
}

std::optional<answer> coherence::instead_of_failure(std::uint64_t hash, std::string_view key, time_point now)
{
    const auto old = kept_.find(hash, key, now);
    if (!old || now >= old->fresh_until + options_.stale_on_error) return std::nullopt;
    ++counters_.stale;
    return answer_of(*old);
}

bool coherence::join(waiter& w, unsigned kind, std::uint64_t hash, std::string_view key, time_point now)
{
    flight* f = joinable(hash, key, now);
    if (f != nullptr && joined(*f, redis_waited_by(context::current()), now)) {
        f->waiters.push_back(w);
        return true;
    }
    if (flight* own = begin(kind, hash, key, now)) {
        own->waiters.push_back(w);
        start(*own, now);
        return true;
    }
    if (f == nullptr) return false;
    ++counters_.joined; // longer than he may, rather than not at all
    f->waiters.push_back(w);
    return true;
}

void coherence::renew(unsigned kind, std::uint64_t hash, std::string_view key, time_point now)
{
    if (joinable(hash, key, now) != nullptr) return;
    flight* f = begin(kind, hash, key, now);
    if (f == nullptr) return;
    f->redis_waited = duration::zero(); // nobody waits for it
    start(*f, now);
}

// A load that takes half of a value's life is joined no more: here and at the home together, nobody gets a value that
// is older than that life when he asks.
flight* coherence::joinable(std::uint64_t hash, std::string_view key, time_point now)
{
    flight* f = table_.find(hash, key);
    if (f == nullptr || now < f->began + options_.longest_life / 2) return f;
    detach_all(hash, key);
    return nullptr;
}

// No load waits for the second tier for longer than whoever joins it may. False: its home has to hear of him, by a
// flight of his own.
bool coherence::joined(flight& f, duration redis_waited, time_point now)
{
    if (options_.second_tier && now - redis_waited < f.began - f.redis_waited) {
        if (home_of(f.hash) != options_.self) return false;
        f.redis_waited = redis_waited - (now - f.began);
        actions_.hurry(f);
    }
    ++counters_.joined;
    return true;
}

flight* coherence::begin(unsigned kind, std::uint64_t hash, std::string_view key, time_point now)
{
    if (flights_ >= options_.flights_max) {
        ++counters_.refused;
        return nullptr;
    }
    ++flights_;
    flight* f = flight::make(hash, key, home_of(hash) == options_.self ? 0 : options_.answer_room);
    f->of = kind;
    f->asker = options_.self;
    f->began = now;
    f->by = requester_of(context::current());
    f->redis_waited = redis_waited_by(context::current());
    table_.add(*f);
    return f;
}

void coherence::start(flight& f, time_point now)
{
    const unsigned home = home_of(f.hash);
    if (home == options_.self) {
        ++counters_.loads;
        return actions_.load(f);
    }
    ++counters_.asked;
    f.what = packet::kind::ask;
    route(home, f, now);
}

// --- Loads, at their home.

void coherence::asked(flight& f, time_point now)
{
    const auto found = kept_.find(f.hash, f.key, now);
    if (found && now < found->fresh_until) return give(f, answer_of(*found), now);
    flight* load = joinable(f.hash, f.key, now);
    if (load != nullptr && joined(*load, f.redis_waited, now)) return load->asks.push_back(f);
    load = begin(f.of, f.hash, f.key, now);
    if (load == nullptr)
        return give(f, {.failure = error{.code = errc::unavailable, .detail = "Too many values are being loaded"}},
                    now);
    load->by = f.by;
    load->redis_waited = f.redis_waited;
    load->asks.push_back(f);
    start(*load, now);
}

bool coherence::may_read_second_tier(const flight& f, time_point now) const { return pending_.readable(f.key, now); }

bool coherence::may_fill_second_tier(const flight& f, time_point now) const
{
    return !f.detached && pending_.readable(f.key, now);
}

void coherence::loaded(flight& f, answer a, time_point now) { land(f, std::move(a), now); }

// A flight's end, at its home or where it was asked for.
void coherence::land(flight& f, answer a, time_point now)
{
    flight_table::remove(f);
    const time_point stale_until = a.fresh_until + std::max(options_.stale_while_revalidate, options_.stale_on_error);
    if (!a.failure && !f.detached && now < stale_until)
        kept_.put(f.hash, f.key, a.value, a.fresh_until, stale_until,
                  a.absent ? entry_flags::absent : entry_flags::none);
    if (a.failure)
        if (auto old = instead_of_failure(f.hash, f.key, now)) a = *std::move(old);
    while (!f.asks.empty()) give(f.asks.pop_front(), a, now);
    while (!f.waiters.empty()) {
        waiter& w = f.waiters.pop_front();
        w.ended(w, a);
    }
    drop(f);
}

void coherence::drop(flight& f)
{
    --flights_;
    flight::free(&f);
}

void coherence::give(flight& f, const answer& a, time_point now)
{
    f.given = a;
    f.lent = nullptr;
    if (a.value.size() <= f.room_bytes) {
        if (!a.value.empty()) std::memcpy(f.room, a.value.data(), a.value.size());
        f.given.value = {f.room, a.value.size()};
    } else {
        f.lent = lent_value::make(a.value);
        f.lent->lender = options_.self;
        lent_.push_back(*f.lent);
        f.given.value = f.lent->view();
    }
    f.what = packet::kind::answer;
    route(f.asker, f, now);
}

// --- Writers.

void coherence::invalidate(std::uint64_t hash, std::string_view key, invalidation_waiter& w, time_point now)
{
    invalidation* i = invalidation::make(hash, key, options_.shards);
    i->waiter = &w;
    i->by = requester_of(context::current());
    i->redis_waited = redis_waited_by(context::current());
    send_off(*i, home_of(hash), true, now);
}

void coherence::abandon(invalidation_waiter& w)
{
    sent_.for_each([&](invalidation& i) {
        if (i.waiter == &w) i.waiter = nullptr;
    });
}

void coherence::send_off(invalidation& i, unsigned home, bool own, time_point now)
{
    i.what = packet::kind::invalidate;
    i.own = own;
    i.origin = options_.self;
    i.home = home;
    sent_.push_back(i);
    route(home, i, now);
}

void coherence::detach(flight& f)
{
    flight_table::remove(f);
    detached_.push_back(f);
    f.detached = true;
    ++counters_.detached;
}

void coherence::detach_all(std::uint64_t hash, std::string_view key)
{
    while (flight* f = table_.find(hash, key)) detach(*f);
}

void coherence::forget(const invalidation& i)
{
    if (i.everything) {
        kept_.clear();
        table_.for_each([this](flight& f) { detach(f); });
        return;
    }
    kept_.erase(i.hash, i.key);
    detach_all(i.hash, i.key);
}

void coherence::at_home(invalidation& i, time_point now)
{
    forget(i);
    ++(i.everything ? counters_.forgotten : counters_.invalidated);
    i.unconfirmed = options_.shards; // all shards, this one last
    for (unsigned to = 0; to < options_.shards; ++to) {
        if (to == options_.self) continue;
        i.echo_to(to).what = packet::kind::forget;
        actions_.send(to, i.echo_to(to));
    }
    if (i.own && options_.second_tier) {
        ++i.unconfirmed;
        i.generation = pending_.add(i.key, now);
        count_pending();
        actions_.erase(i);
    } else if (i.own) {
        actions_.announce(i.key);
    }
    confirm(i, now);
}

void coherence::erased(invalidation& i, bool confirmed, time_point now)
{
    pending_.settle(i.key, i.generation, confirmed, now);
    count_pending();
    confirm(i, now);
}

void coherence::erased_again(std::string_view key, std::uint64_t generation, bool confirmed, time_point now)
{
    pending_.settle(key, generation, confirmed, now);
    count_pending();
}

void coherence::erase_lost(std::size_t count)
{
    pending_.send_again(
        count, [this](std::string_view key, std::uint64_t generation) { actions_.erase_again(key, generation); });
}

void coherence::confirm(invalidation& i, time_point now)
{
    if (--i.unconfirmed != 0) return;
    i.what = packet::kind::invalidated;
    route(i.origin, i, now);
}

void coherence::returned(invalidation& i, time_point now)
{
    static_cast<list_node<invalidation>&>(i).unlink();
    if (i.everything) {
        if (std::exchange(i.again, false)) send_off(i, i.home, false, now);
        return;
    }
    if (!i.own) --heard_;
    if (i.waiter != nullptr) i.waiter->confirmed(*i.waiter);
    invalidation::free(&i);
}

// --- Other processes.

void coherence::heard(std::uint64_t hash, std::string_view key, time_point now)
{
    if (heard_ >= options_.heard_max) return forget_all(now);
    ++heard_;
    send_off(*invalidation::make(hash, key, options_.shards), home_of(hash), false, now);
}

// Each home first and then, from it, all others, as with a single key: an answer that is under way cannot come after.
void coherence::forget_all(time_point now)
{
    for (unsigned home = 0; home < options_.shards; ++home) {
        invalidation& all = *all_of_[home];
        if (static_cast<list_node<invalidation>&>(all).linked())
            all.again = true;
        else
            send_off(all, home, false, now);
    }
}

// --- Packets.

void coherence::route(unsigned to, packet& p, time_point now)
{
    if (to == options_.self) return receive(p, now);
    actions_.send(to, p);
}

void coherence::receive(packet& p, time_point now)
{
    switch (p.what) {
    case packet::kind::ask:
        return asked(static_cast<flight&>(p), now);
    case packet::kind::answer: {
        auto& f = static_cast<flight&>(p);
        lent_value* lent = f.lent;
        land(f, std::move(f.given), now);
        if (lent != nullptr) route(lent->lender, *lent, now);
        return;
    }
    case packet::kind::lent: {
        auto& v = static_cast<lent_value&>(p);
        static_cast<list_node<lent_value>&>(v).unlink();
        return lent_value::free(&v);
    }
    case packet::kind::invalidate:
        return at_home(static_cast<invalidation&>(p), now);
    case packet::kind::forget: {
        auto& e = static_cast<echo&>(p);
        forget(e.of);
        e.what = packet::kind::forgotten;
        return route(e.of.home, e, now);
    }
    case packet::kind::forgotten:
        return confirm(static_cast<echo&>(p).of, now);
    case packet::kind::invalidated:
        return returned(static_cast<invalidation&>(p), now);
    }
}

void coherence::count_pending() noexcept
{
    counters_.pending = pending_.size();
    counters_.pending_overflows = pending_.overflows();
}

} // namespace sluice::cache

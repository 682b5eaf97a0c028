#include "simulated_process.hpp"

#include <sluice/core/context.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace sluice::cache::test {

namespace {

// A small table of them is quicker made than a large one, and these worlds have few.
constexpr std::size_t flights_max = 64;

} // namespace

simulated_process::node::node(simulated_process& w, unsigned s, first_tier& kept)
    : world(w), self(s), machine({.self = s,
                                  .shards = w.options_.shards,
                                  .second_tier = w.options_.redis,
                                  .longest_life = ttl,
                                  .stale_while_revalidate = w.options_.stale,
                                  .stale_on_error = w.options_.stale,
                                  .flights_max = flights_max,
                                  .pending_max = w.options_.pending_max,
                                  .heard_max = w.options_.heard_max,
                                  .answer_room = s % 2 == 0 ? std::size_t{0} : std::size_t{256}},
                                 kept, *this)
{}

void simulated_process::node::send(unsigned to, packet& p) { world.queues_[self][to].push_back(&p); }

void simulated_process::node::load(flight& f)
{
    world.loads_.push_back({.at = this, .of = &f, .key = &world.key_named(f.key)});
}

void simulated_process::node::hurry(flight& f)
{
    for (simulated_process::load& l : world.loads_)
        if (l.of == &f) l.hurried = true;
}

void simulated_process::node::erase(invalidation& i)
{
    world.commands_.push_back({.what = command::kind::erase,
                               .server = world.here_,
                               .run = world.redis().run(),
                               .key = &world.key_named(i.key),
                               .at = this,
                               .of = &i,
                               .awaited = true});
}

void simulated_process::node::erase_again(std::string_view key, std::uint64_t generation)
{
    world.commands_.push_back({.what = command::kind::erase,
                               .server = world.here_,
                               .run = world.redis().run(),
                               .key = &world.key_named(key),
                               .at = this,
                               .again = generation,
                               .awaited = true});
}

void simulated_process::node::look_at_run() { machine.second_tier_is(std::to_string(world.redis().run()), world.now_); }

simulated_process::simulated_process(world_options options, chooser& by, tiers& kept)
    : options_(options), by_(by), calm_(2 + by.choose(options.calm)),
      queues_(options.shards, std::vector<std::deque<packet*>>(options.shards))
{
    for (unsigned k = 0; k < options_.keys; ++k) {
        // Homes in turn.
        std::string name;
        for (int i = 0; name.empty() || hash_bytes(name) % options_.shards != k % options_.shards; ++i)
            name = std::to_string(k) + "/" + std::to_string(i);
        keys_.push_back({.name = name, .hash = hash_bytes(name)});
    }
    while (kept.size() < options_.shards) kept.emplace_back(first_tier_options{.bytes = std::size_t{64} << 10});
    for (unsigned s = 0; s < options_.shards; ++s) {
        kept[s].clear();
        nodes_.push_back(std::make_unique<node>(*this, s, kept[s]));
    }
}

simulated_process::~simulated_process() = default;

simulated_process::key_state& simulated_process::key_named(std::string_view name)
{
    return *std::ranges::find(keys_, name, &key_state::name);
}

// --- Readers and writers.

void simulated_process::check(key_state& key, version floor, time_point began, std::string_view value)
{
    const version seen = std::stoi(std::string(value));
    ASSERT_GE(seen, floor) << "older than what was acknowledged before";
    if (static_cast<std::size_t>(seen) + 1 < key.committed.size()) {
        ASSERT_LE(began - key.committed[static_cast<std::size_t>(seen) + 1], ttl + options_.stale)
            << "older than cache.ttl";
    }
}

void simulated_process::reader::ended_here(waiter& self, const answer& a)
{
    auto& me = static_cast<reader&>(self);
    me.ended = true;
    ASSERT_FALSE(a.failure);
    me.world.check(me.key, me.floor, me.began, a.value);
}

void simulated_process::writer::confirmed_here(invalidation_waiter& self)
{
    auto& me = static_cast<writer&>(self);
    me.ended = true;
    me.key.acknowledged = std::max(me.key.acknowledged, me.wrote);
}

void simulated_process::read_on(node& at, key_state& key)
{
    if (const auto hit = at.machine.look(key.hash, key.name, now_)) {
        ++hits_;
        check(key, key.acknowledged, now_, hit->value);
        if (hit->expired) at.machine.renew(0, key.hash, key.name, now_);
        return;
    }
    readers_.emplace_back(*this, key);
    context request;
    if (options_.hurried && by_.choose(4) == 0) request.redis_waited = ttl / 8 * static_cast<int>(1 + by_.choose(3));
    context* const before = context::exchange_current(&request);
    const bool waits = at.machine.join(readers_.back(), 0, key.hash, key.name, now_);
    context::exchange_current(before);
    ASSERT_TRUE(waits);
}

void simulated_process::commit(key_state& key) { key.committed.push_back(now_); }

// --- What loads do, step by step, as the cache's own do.

void simulated_process::step(load& l)
{
    const auto ask_redis = [this](load& by) {
        const unsigned server = by.of == nullptr ? elsewhere_ : here_;
        by.run = servers_[server].run();
        by.token = ++tokens_;
        by.next = load::step::await_read;
        commands_.push_back({.what = command::kind::read,
                             .server = server,
                             .run = by.run,
                             .key = by.key,
                             .token = by.token,
                             .reader = &by,
                             .awaited = true});
    };
    switch (l.next) {
    case load::step::begin:
        if (l.of != nullptr) l.at->look_at_run();
        if (l.of != nullptr && !(options_.redis && l.at->machine.may_read_second_tier(*l.of, now_))) {
            l.next = load::step::query;
            return;
        }
        return ask_redis(l);
    case load::step::await_read:
        return;
    case load::step::query:
        l.before = now_;
        l.value = static_cast<version>(l.key->committed.size()) - 1;
        l.next = load::step::fill;
        return;
    case load::step::fill: {
        const unsigned server = l.of == nullptr ? elsewhere_ : here_;
        const bool fills = l.leased && l.run == servers_[server].run() &&
                           (l.of == nullptr || l.at->machine.may_fill_second_tier(*l.of, now_));
        if (fills)
            commands_.push_back({.what = command::kind::fill,
                                 .server = server,
                                 .run = l.run,
                                 .key = l.key,
                                 .token = l.token,
                                 .value = l.value});
        const std::string value = std::to_string(l.value);
        if (l.of != nullptr)
            l.at->machine.loaded(*l.of, {.value = value, .from = tier::source, .fresh_until = l.before + ttl}, now_);
        l.next = load::step::done;
        return;
    }
    case load::step::done:
        return;
    }
}

void simulated_process::add_load_events(std::vector<event>& events)
{
    loads_.remove_if([](const load& l) { return l.next == load::step::done; });
    for (load& l : loads_)
        if (l.next != load::step::await_read) events.push_back([this, &l] { step(l); });
}

// --- Commands to Redis.

void simulated_process::settle(command& c, bool confirmed)
{
    c.awaited = false;
    if (c.what == command::kind::erase && c.at != nullptr) {
        c.at->look_at_run();
        if (c.of != nullptr)
            c.at->machine.erased(*c.of, confirmed, now_);
        else
            c.at->machine.erased_again(c.key->name, c.again, confirmed, now_);
    }
    if (c.reader == nullptr) return;
    load& l = *std::exchange(c.reader, nullptr);
    l.next = load::step::query;
    if (!confirmed) return;
    l.leased = c.reply.leased;
    if (!c.reply.found) return;
    ++second_tier_hits_;
    const std::string value = std::to_string(c.reply.found->value);
    if (l.of != nullptr)
        l.at->machine.loaded(*l.of, {.value = value, .from = tier::second, .fresh_until = c.reply.found->expires},
                             now_);
    l.next = load::step::done;
}

void simulated_process::add_command_events(std::vector<event>& events, bool faults)
{
    commands_.remove_if([](const command& c) { return c.executed && !c.awaited; });
    for (command& c : commands_) {
        if (!c.executed && away_) {
            if (c.awaited) events.push_back([this, &c] { settle(c, false); });
        } else if (!c.executed) {
            events.push_back([this, &c] {
                c.executed = true;
                simulated_redis& at = servers_[c.server];
                if (c.what == command::kind::read) c.reply = at.read(c.run, c.key->name, c.token, now_);
                if (c.what == command::kind::fill) at.fill(c.run, c.key->name, c.token, c.value, now_);
                if (c.what != command::kind::erase) return;
                at.erase(c.run, c.key->name);
                // What it published reaches this process as well if it is another's.
                if (c.at == nullptr && c.server == here_) nodes_[0]->machine.heard(c.key->hash, c.key->name, now_);
            });
        } else {
            // An answer of another run than the one whose keys were named says nothing.
            events.push_back([this, &c] {
                const unsigned asked = c.reader != nullptr && c.reader->of == nullptr ? elsewhere_ : here_;
                settle(c, c.server == asked && c.run == servers_[asked].run());
            });
        }
        if (c.reader != nullptr && c.reader->hurried) events.push_back([this, &c] { settle(c, false); });
        if (faults && c.awaited && options_.faults != 0)
            events.push_back([this, &c] { // too late, or its connection is lost: it may still run
                --options_.faults;
                settle(c, false);
            });
    }
    for (auto& n : nodes_)
        if (!away_ && n->machine.any_lost()) events.push_back([&n] { n->look_at_run(), n->machine.erase_lost(4); });
}

// --- What may happen next.

void simulated_process::add_writer_events(std::vector<event>& events)
{
    for (writer& w : writers_) {
        if (w.invalidating) continue;
        for (auto& n : nodes_)
            events.push_back([&w, at = n.get()] {
                w.invalidating = true;
                at->machine.invalidate(w.key.hash, w.key.name, w, at->world.now_);
            });
    }
}

void simulated_process::erase_elsewhere(key_state& key)
{
    commands_.push_back(
        {.what = command::kind::erase, .server = elsewhere_, .run = servers_[elsewhere_].run(), .key = &key});
}

void simulated_process::add_fault_events(std::vector<event>& events)
{
    if (away_) events.push_back([this] { away_ = false; });
    if (options_.faults == 0 || !options_.redis) return;
    if (!away_)
        events.push_back([this] {
            --options_.faults;
            away_ = true;
            // What had been sent may be lost, or run when it is back.
            if (by_.choose(2) != 0)
                for (command& c : commands_)
                    if (!c.executed && !c.awaited) c.executed = true;
        });
    events.push_back([this] {
        --options_.faults;
        redis().flush();
    });
    events.push_back([this] {
        --options_.faults;
        redis().restart();
    });
    events.push_back([this] {
        --options_.faults;
        for (auto& n : nodes_) n->machine.forget_all(now_);
    });
    events.push_back([this] { redis().take_snapshot(), --options_.faults; });
    if (!options_.moves) return;
    events.push_back([this] { here_ = 1 - here_, --options_.faults; });
    if (options_.second_process) events.push_back([this] { elsewhere_ = 1 - elsewhere_, --options_.faults; });
}

// What goes on by itself.
void simulated_process::add_progress(std::vector<event>& events, bool faults)
{
    for (unsigned from = 0; from < options_.shards; ++from)
        for (unsigned to = 0; to < options_.shards; ++to)
            if (!queues_[from][to].empty())
                events.push_back([this, from, to] {
                    packet* p = queues_[from][to].front();
                    queues_[from][to].pop_front();
                    nodes_[to]->machine.receive(*p, now_);
                });
    add_load_events(events);
    add_command_events(events, faults);
    add_writer_events(events);
}

// What somebody does.
void simulated_process::add_stimuli(std::vector<event>& events)
{
    add_fault_events(events);
    for (key_state& key : keys_) {
        if (options_.reads != 0)
            for (auto& n : nodes_)
                events.push_back([at = n.get(), &key] {
                    --at->world.options_.reads;
                    at->world.read_on(*at, key);
                });
        if (options_.writes == 0) continue;
        events.push_back([this, &key] {
            --options_.writes;
            commit(key);
            writers_.emplace_back(*this, key, static_cast<version>(key.committed.size()) - 1);
        });
        if (!options_.second_process) continue;
        events.push_back([this, &key] { // the other process writes
            --options_.writes;
            commit(key);
            erase_elsewhere(key);
        });
        events.push_back([this, &key] { // and reads
            --options_.writes;
            loads_.push_back({.at = nullptr, .of = nullptr, .key = &key});
        });
    }
    if (options_.ticks != 0)
        events.push_back([this] {
            --options_.ticks;
            now_ += ttl / 2;
        });
}

void simulated_process::run()
{
    std::vector<event> progress;
    std::vector<event> stimuli;
    for (bool faults : {true, false}) {
        if (!faults) away_ = false;
        for (;;) {
            progress.clear();
            stimuli.clear();
            add_progress(progress, faults);
            if (faults) add_stimuli(stimuli);
            if ((progress.empty() && stimuli.empty()) || testing::Test::HasFatalFailure()) break;
            // Things are done a few at a time, or all of it would be done before anything has happened.
            const bool acts = progress.empty() || (!stimuli.empty() && by_.choose(calm_) == 0);
            auto& from = acts ? stimuli : progress;
            from[by_.choose(from.size())]();
        }
    }
    for (const reader& r : readers_) ASSERT_TRUE(r.ended) << "a reader waits for ever";
    for (const writer& w : writers_) ASSERT_TRUE(w.ended) << "a write is never acknowledged";
}

} // namespace sluice::cache::test

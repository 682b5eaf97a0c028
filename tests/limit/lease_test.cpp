// Shards that spend leases and refuse from memory, asking over ways that take their time: the whole of it against an
// exact log.
#include "arrivals.hpp"
#include "limit/shard_memory.hpp"
#include "some_rules.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <queue>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using test::of;
using test::some_day;

const client_key someone = client_key::of_text("someone");
const std::uint64_t hash = someone.hash();

// A shard's clock began at another time than the one that counts.
time_point shard_time(micros t) { return time_point(std::chrono::microseconds(t - some_day + 77'777'777)); }

class world
{
public:
    world(rules by, unsigned shards, micros way, std::uint64_t seed) : by_(by), way_(way), from_(seed)
    {
        for (unsigned i = 0; i < shards; ++i) shards_.emplace_back(std::make_unique<shard_memory>(64))->go_by(by_);
    }

    void run(const std::vector<test::arrival>& arrivals)
    {
        for (const auto& [at, cost] : arrivals) {
            while (!events_.empty() && events_.top().at <= at) happen();
            arrive(at, cost, static_cast<unsigned>(test::below(from_, shards_.size())));
        }
        while (!events_.empty()) happen();
    }

    test::exact_log log;
    std::uint64_t questions = 0;
    std::uint64_t refused = 0;

private:
    struct step
    {
        micros at;
        unsigned shard;
        std::uint32_t cost;
        micros asked_at;
        question q;
        std::optional<verdict> said; // on its way back
        bool operator<(const step& other) const { return at > other.at; }
    };

    void arrive(micros at, std::uint32_t cost, unsigned shard)
    {
        if (const auto decided = shards_[shard]->look(someone, hash, cost, shard_time(at)))
            return note(*decided, at, cost);
        ++questions;
        const question q = shards_[shard]->ask(someone, hash, cost, shard_time(at));
        events_.push({at + test::below(from_, way_ + 1), shard, cost, at, q, std::nullopt});
    }
    void happen()
    {
        step now = events_.top();
        events_.pop();
        if (!now.said) {
            now.said = counted_.decide(by_, now.q, now.at);
            // That is when it was decided, whatever becomes of the answer.
            if (now.said->passes) log.add(now.at, now.cost);
            now.at += test::below(from_, way_ + 1);
            events_.push(now);
            return;
        }
        const decision made =
            shards_[now.shard]->learn(someone, hash, now.cost, *now.said, shard_time(now.asked_at), shard_time(now.at));
        if (made.is == outcome::refused) ++refused;
    }
    void note(const decision& made, micros at, std::uint32_t cost)
    {
        if (made.is == outcome::passes)
            log.add(at, cost);
        else
            ++refused;
    }

    rules by_;
    micros way_;
    test::generator from_;
    test::own_counter counted_;
    std::vector<std::unique_ptr<shard_memory>> shards_;
    std::priority_queue<step> events_;
};

TEST(LeaseSimulation, never_passes_the_limit_in_any_window_leases_included)
{
    for (const test::pattern& arrivals : test::patterns) {
        for (std::uint64_t seed = 0; seed < 4; ++seed) {
            const rules by = of({{.requests = 1000, .window = 1s}, {.requests = 9000, .window = 11s}});
            test::generator from(seed);
            const std::vector<test::arrival> asked = arrivals.make(from, by.list[0], some_day);
            for (const unsigned shards : {1u, 2u, 16u}) {
                for (const micros way : {0ull, 300ull, 40'000ull}) {
                    SCOPED_TRACE(testing::Message() << arrivals.name << ", seed " << seed << ", " << shards
                                                    << " shards, " << way << " us away");
                    world all(by, shards, way, seed);
                    all.run(asked);
                    for (const rule& one : by.all()) ASSERT_LE(all.log.worst(one.window), one.requests);
                    ASSERT_GT(all.refused, 0u);
                }
            }
        }
    }
}

// What the leases of other shards hold up is the error, and it is on the safe side.
TEST(LeaseSimulation, gives_a_steady_client_nearly_all_that_it_may_have_and_asks_little)
{
    for (const unsigned shards : {1u, 4u}) {
        const rules by = of({{.requests = 50'000, .window = 10s}});
        test::generator from(1);
        const auto arrivals = test::drip(from, by.list[0], some_day);
        world all(by, shards, 300, 1);
        all.run(arrivals);
        const auto seconds = static_cast<double>(arrivals.back().at - arrivals.front().at) / 1e6;
        EXPECT_GT(static_cast<double>(all.log.all()), 0.93 * 5'000 * seconds) << shards;
        EXPECT_LE(all.log.worst(10'000'000), 50'000u);
        EXPECT_LT(static_cast<double>(all.questions), 0.02 * static_cast<double>(arrivals.size())) << shards;
    }
}

TEST(ShardMemory, asks_again_for_who_is_not_known_and_refuses_who_was_refused_until_it_can_pass)
{
    shard_memory memory(64);
    const rules by = of({{.requests = 3, .window = 1s}});
    memory.go_by(by);
    const time_point now = shard_time(some_day);
    EXPECT_FALSE(memory.look(someone, hash, 1, now));
    verdict no{.passes = false, .passes_in = 500'000, .size = 1};
    no.standings[0] = {.left = 1, .more_in = 400'000};
    const decision first = memory.learn(someone, hash, 2, no, now, now + 1ms);
    EXPECT_EQ(first.is, outcome::refused);
    EXPECT_EQ(first.retry_in, 500ms) << "it may have been decided only now";
    const auto refused = memory.look(someone, hash, 2, now + 100ms);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->is, outcome::refused);
    EXPECT_EQ(refused->retry_in, 401ms);
    EXPECT_EQ(refused->standings[0].left, 1u);
    EXPECT_FALSE(memory.look(someone, hash, 1, now + 100ms)) << "what costs less may pass";
    EXPECT_FALSE(memory.look(someone, hash, 2, now + 500ms)) << "or when it was asked for";
    EXPECT_EQ(memory.refused(), 1u);
}

TEST(ShardMemory, spends_a_lease_until_it_ends_and_gives_back_what_is_left)
{
    shard_memory memory(64);
    const rules by = of({{.requests = 3000, .window = 15s}});
    memory.go_by(by);
    const time_point now = shard_time(some_day);
    verdict yes{.passes = true, .lease = 3, .lease_end = some_day + 999'999, .lease_for = 1'000'000, .size = 1};
    yes.standings[0] = {.left = 100, .more_in = 5'000'000};
    EXPECT_EQ(memory.learn(someone, hash, 1, yes, now, now + 1ms).standings[0].left, 103u);
    EXPECT_EQ(memory.look(someone, hash, 1, now + 10ms)->standings[0].left, 102u);
    EXPECT_FALSE(memory.look(someone, hash, 3, now + 10ms)) << "not so many are left";
    EXPECT_FALSE(memory.look(someone, hash, 1, now + 1s)) << "it has ended";
    const question q = memory.ask(someone, hash, 1, now + 1s);
    EXPECT_EQ(q.back, 2u);
    EXPECT_EQ(q.back_at, yes.lease_end);
    EXPECT_EQ(q.want, 1u) << "as much as it spent";
    EXPECT_EQ(memory.ask(someone, hash, 1, now + 1s).back, 0u) << "once";
}

TEST(ShardMemory, wants_twice_as_much_where_a_lease_ran_out_early)
{
    shard_memory memory(64);
    const rules by = of({{.requests = 30'000, .window = 15s}});
    memory.go_by(by);
    const time_point now = shard_time(some_day);
    EXPECT_EQ(memory.ask(someone, hash, 1, now).want, 0u) << "nothing speaks for a second request";
    verdict yes{.passes = true, .size = 1};
    (void)memory.learn(someone, hash, 1, yes, now, now);
    EXPECT_EQ(memory.ask(someone, hash, 1, now + 5s).want, 0u) << "it came seldom";
    EXPECT_EQ(memory.ask(someone, hash, 1, now + 10ms).want, 2u);
    yes.lease = 2;
    yes.lease_for = 990'000;
    (void)memory.learn(someone, hash, 1, yes, now, now);
    EXPECT_TRUE(memory.look(someone, hash, 2, now + 20ms));
    EXPECT_EQ(memory.ask(someone, hash, 1, now + 20ms).want, 5u);
}

TEST(ShardMemory, keeps_refusals_before_anything_else_and_never_more_than_its_bound)
{
    shard_memory memory(64);
    const rules by = of({{.requests = 3, .window = 60s}});
    memory.go_by(by);
    const time_point now = shard_time(some_day);
    const verdict no{.passes = false, .passes_in = 50'000'000, .size = 1};
    const verdict yes{.passes = true, .size = 1};
    (void)memory.learn(someone, hash, 1, no, now, now);
    for (int i = 0; i < 100'000; ++i) {
        const auto other = client_key::of_text(std::to_string(i));
        (void)memory.learn(other, other.hash(), 1, yes, now, now + std::chrono::milliseconds(i / 10));
    }
    EXPECT_TRUE(memory.look(someone, hash, 1, now + 20s));
}

TEST(ShardMemory, keeps_what_was_spent_of_a_limit_for_an_outage_whoever_comes_meanwhile)
{
    shard_memory memory(64);
    const rules by = of({{.requests = 40, .window = 60s}});
    memory.go_by(by);
    const time_point now = shard_time(some_day);
    verdict yes{.passes = true, .size = 1};
    yes.standings[0].left = 1;
    (void)memory.learn(someone, hash, 1, yes, now, now);
    yes.standings[0].left = 39;
    for (int i = 0; i < 16'000; ++i) {
        const auto other = client_key::of_text(std::to_string(i));
        (void)memory.learn(other, other.hash(), 1, yes, now + 1s, now + 1s);
    }
    EXPECT_EQ(memory.known(someone, hash, by, now + 2s).spent[0], 39u);
}

TEST(ShardMemory, forgets_whose_window_has_passed_before_anybody_else)
{
    shard_memory memory(shard_memory::ways);
    const rules by = of({{.requests = 40, .window = 60s}});
    memory.go_by(by);
    const auto learn = [&](std::string name, std::uint32_t left, time_point now) {
        verdict yes{.passes = true, .size = 1};
        yes.standings[0].left = left;
        const auto key = client_key::of_text(name);
        (void)memory.learn(key, key.hash(), 1, yes, now, now);
    };
    const auto known = [&](std::string name, time_point now) {
        const auto key = client_key::of_text(name);
        return memory.known(key, key.hash(), by, now).spent[0];
    };
    const time_point now = shard_time(some_day);
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) learn(name, 1, now);
    for (const char* name : {"i", "j", "k", "l", "m", "n", "o", "p"}) learn(name, 39, now + 60s);
    for (const char* name : {"i", "j", "k", "l", "m", "n", "o", "p"}) EXPECT_EQ(known(name, now + 60s), 1u) << name;
}

TEST(ShardMemory, keeps_in_an_outage_the_lease_of_who_has_spent_most_whoever_comes_meanwhile)
{
    shard_memory memory(shard_memory::ways);
    const rules by = of({{.requests = 1000, .window = 60s}});
    memory.go_by(by);
    const time_point now = shard_time(some_day);
    const auto learn = [&](std::string name, verdict said) {
        const auto key = client_key::of_text(name);
        (void)memory.learn(key, key.hash(), 1, said, now, now);
    };
    verdict once{.passes = true, .size = 1};
    once.standings[0].left = 999;
    for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) learn(name, once);
    once.at_home = true;
    verdict often{.at_home = true, .passes = true, .lease = 15, .lease_for = 4'000'000, .size = 1};
    often.standings[0].left = 500;
    learn("someone", often);
    for (int i = 0; i < 100; ++i) learn(std::to_string(i), once);
    EXPECT_TRUE(memory.look(someone, hash, 1, now + 1s));
    EXPECT_EQ(memory.known(someone, hash, by, now).spent[0], 0u) << "of what the home counts it knows itself";
}

TEST(ShardMemory, keeps_what_was_spent_where_only_a_limit_changes_and_nothing_else)
{
    shard_memory memory(64);
    const rules by = of({{.requests = 6400, .window = 15s}});
    memory.go_by(by);
    const time_point now = shard_time(some_day);
    verdict yes{.passes = true, .lease = 3, .lease_end = some_day + 999'999, .lease_for = 1'000'000, .size = 1};
    yes.run = 7;
    yes.standings[0].left = 6000;
    (void)memory.learn(someone, hash, 1, yes, now, now);
    const rules less = of({{.requests = 100, .window = 15s}});
    const rules other = of({{.requests = 100, .window = 16s}});
    memory.go_by(less);
    EXPECT_FALSE(memory.look(someone, hash, 1, now)) << "the lease is void";
    EXPECT_EQ(memory.ask(someone, hash, 1, now).back, 0u);
    EXPECT_EQ(memory.known(someone, hash, less, now).spent[0], 400u);
    EXPECT_EQ(memory.known(someone, hash, by, now).spent[0], 400u) << "whoever asks by the policy before";
    EXPECT_EQ(memory.known(someone, hash, by, now).run, 7u);
    EXPECT_EQ(memory.known(someone, hash, other, now).spent[0], 0u);
    memory.go_by(other);
    memory.go_by(less);
    EXPECT_EQ(memory.known(someone, hash, less, now).spent[0], 0u);
}

} // namespace
} // namespace sluice::limit

// The script in a real Redis: decision for decision what the counter says, by the test's clock and by Redis's own. Run
// by server.py.
#include "arrivals.hpp"
#include "limit/script.hpp"
#include "redis.hpp"
#include "some_rules.hpp"

#include <array>
#include <string>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using redis::test::admin;
using test::of;
using test::some_day;

constexpr std::array<std::string_view, 1> key = {"limit"};

// By a clock that the test brings as the last argument.
// The script without its key's expiry, which goes by Redis's own clock: a test that is slower than its arrivals would
// lose what it had counted.
std::string without_expiry()
{
    std::string text(decision_script);
    const std::string_view expiry = ", 'PX', floor(empty_in / 1000) + 1";
    return text.erase(text.find(expiry), expiry.size());
}

const std::string text_by_test_time = "local now = tonumber(table.remove(ARGV))\n" + without_expiry();
const redis::script by_test_time{text_by_test_time};

// A question with a time: what eval() gets is longer by it.
struct with_time
{
    redis::client& to;
    micros now;
    template <class... T> auto eval(const redis::script& s, std::span<const std::string_view> keys, const T&... rest)
    {
        return to.eval(s, keys, rest..., now);
    }
};

class Script : public redis::test::Redis
{
protected:
    task<result<verdict>> decide(redis::client& client, const rules& by, question q, micros now)
    {
        with_time to{client, now};
        auto said = co_await ask_redis(to, by_test_time, key, by, q);
        if (!said) co_return fail(said.error());
        co_return read_verdict(*said);
    }
    // By Redis's clock.
    result<verdict> ask(redis::client& client, const rules& by, question q = {})
    {
        return shards.run([&, q]() -> task<result<verdict>> {
            auto said = co_await ask_redis(client, redis_decision, key, by, q);
            if (!said) co_return fail(said.error());
            co_return read_verdict(*said);
        });
    }
    void compare(redis::client& client, const rules& by, const test::pattern& arrivals, std::uint64_t seed);
};

bool same(const verdict& a, const verdict& b)
{
    const auto standings = [](const verdict& v) { return std::span(v.standings).first(v.size); };
    return a.passes == b.passes && a.lease == b.lease && a.lease_end == b.lease_end && a.lease_for == b.lease_for &&
           a.passes_in == b.passes_in &&
           std::ranges::equal(standings(a), standings(b), [](const standing& x, const standing& y) {
               return x.left == y.left && x.more_in == y.more_in;
           });
}

void Script::compare(redis::client& client, const rules& by, const test::pattern& arrivals, std::uint64_t seed)
{
    SCOPED_TRACE(testing::Message() << arrivals.name << ", seed " << seed);
    admin({"DEL", "limit"});
    const auto wrong = shards.run([&]() -> task<std::string> {
        test::generator from(seed);
        test::own_counter counted;
        test::exact_log log;
        micros leased_until = 0;
        std::uint32_t leased = 0;
        for (auto [at, cost] : arrivals.make(from, by.list[0], some_day)) {
            if (test::below(from, 50) == 0) at -= test::below(from, by.list[0].window * 2); // its clock is set
            question q{.cost = cost, .want = static_cast<std::uint32_t>(test::below(from, 20))};
            if (leased != 0 && test::below(from, 2) == 0) {
                q.back = static_cast<std::uint32_t>(test::below(from, leased + 1));
                q.back_at = leased_until;
                leased = 0;
            }
            if (test::below(from, 30) == 0) {
                q.least[test::below(from, by.size)] = 5;
                q.more = static_cast<std::uint32_t>(test::below(from, 7));
                q.anew = test::below(from, 3) == 0;
            }
            const verdict mine = counted.decide(by, q, at);
            const auto theirs = co_await decide(client, by, q, at);
            if (!theirs) co_return theirs.error().detail;
            if (!same(mine, *theirs)) co_return "they differ at " + std::to_string(at);
            leased = mine.lease;
            leased_until = mine.lease_end;
        }
        co_return "";
    });
    ASSERT_EQ(wrong, "");
}

TEST_F(Script, decides_as_the_counter_does)
{
    redis::client& client = open();
    for (const test::pattern& arrivals : test::patterns) {
        for (std::uint64_t seed = 0; seed < 2; ++seed) {
            compare(client, of({{.requests = 40, .window = 1s}}), arrivals, seed);
            compare(client, of({{.requests = 10, .window = 1s}, {.requests = 45, .window = 11s}}), arrivals, seed);
        }
        compare(client, of({{.requests = 300, .window = 61s}}), arrivals, 7);
    }
}

TEST_F(Script, counts_by_the_clock_of_redis_and_lets_the_key_expire)
{
    redis::client& client = open();
    const rules by = of({{.requests = 3, .window = 1h}, {.requests = 2, .window = 24h}});
    EXPECT_TRUE(ask(client, by)->passes);
    const auto second = ask(client, by);
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->passes);
    EXPECT_EQ(second->standings[0].left, 1u);
    EXPECT_EQ(second->standings[1].left, 0u);
    const auto refused = ask(client, by);
    ASSERT_TRUE(refused);
    EXPECT_FALSE(refused->passes);
    EXPECT_GT(refused->passes_in, 23u * 3600 * 1'000'000);
    EXPECT_GT(std::stoll(admin({"PTTL", "limit"})), 23 * 3600 * 1000);
    EXPECT_LE(std::stoll(admin({"PTTL", "limit"})), 24 * 3600 * 1000 + 1);
}

TEST_F(Script, opens_again_once_the_window_has_passed)
{
    redis::client& client = open();
    const rules by = of({{.requests = 2, .window = 50ms}});
    ASSERT_TRUE(ask(client, by, {.cost = 2})->passes);
    result<verdict> said = ask(client, by);
    while (said && !said->passes) said = ask(client, by);
    EXPECT_TRUE(said);
}

TEST_F(Script, keeps_the_count_where_the_limit_changes_and_begins_anew_where_the_window_does)
{
    redis::client& client = open();
    ASSERT_TRUE(ask(client, of({{.requests = 3, .window = 1h}}), {.cost = 3})->passes);
    EXPECT_FALSE(ask(client, of({{.requests = 3, .window = 1h}}))->passes);
    EXPECT_EQ(ask(client, of({{.requests = 10, .window = 1h}}))->standings[0].left, 6u);
    EXPECT_FALSE(ask(client, of({{.requests = 2, .window = 1h}}))->passes);
    EXPECT_TRUE(ask(client, of({{.requests = 2, .window = 2h}}))->passes);
}

TEST_F(Script, is_loaded_again_where_redis_has_forgotten_it)
{
    redis::client& client = open();
    const rules by = of({{.requests = 3, .window = 1h}});
    ASSERT_TRUE(ask(client, by));
    ASSERT_EQ(admin({"SCRIPT", "FLUSH"}), "OK");
    EXPECT_EQ(ask(client, by)->standings[0].left, 1u);
}

TEST_F(Script, begins_anew_and_says_so_where_the_key_holds_what_are_no_counts)
{
    redis::client& client = open();
    const rules by = of({{.requests = 3, .window = 1h}});
    const std::vector<std::string> foreign[] = {
        {"EVAL", "redis.call('SET', 'limit', ('x'):rep(10 * 1024 * 1024))", "0"},
        {"SET", "limit", "x"},
        {"SET", "limit", std::string(1000, '\xff')},
        {"LPUSH", "limit", "x"},
    };
    for (const auto& one : foreign) {
        SCOPED_TRACE(one[0] + " " + one[1].substr(0, 40));
        admin({"DEL", "limit"});
        admin(one);
        const auto first = ask(client, by);
        ASSERT_TRUE(first) << first.error().detail;
        EXPECT_TRUE(first->unreadable);
        EXPECT_TRUE(first->passes);
        EXPECT_EQ(first->standings[0].left, 2u);
        const auto second = ask(client, by);
        ASSERT_TRUE(second);
        EXPECT_FALSE(second->unreadable);
        EXPECT_EQ(second->standings[0].left, 1u);
        EXPECT_LT(std::stoi(admin({"STRLEN", "limit"})), 1024);
    }
}

TEST_F(Script, fails_where_it_may_not_read_and_takes_nothing_for_empty)
{
    redis::client& client = open();
    const rules by = of({{.requests = 3, .window = 1h}});
    ASSERT_TRUE(ask(client, by));
    ASSERT_EQ(admin({"ACL", "SETUSER", "default", "-get"}), "OK");
    EXPECT_FALSE(ask(client, by));
    ASSERT_EQ(admin({"ACL", "SETUSER", "default", "+@all"}), "OK");
    EXPECT_EQ(ask(client, by)->standings[0].left, 1u);
}

} // namespace
} // namespace sluice::limit

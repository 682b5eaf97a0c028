// Two processes, as far as a test can have them in one: two groups of shards that share nothing but a Redis, and as
// many clients on every shard as want through. What passes is held against the limit in every sliding window, while
// Redis is well, frozen, killed and slow. Run by server.py.
#include "redis.hpp"

#include <sluice/limit/limiter.hpp>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;
using redis::test::admin;
using redis::test::order;

constexpr unsigned shards_of_each = 2;

// When a request was asked for, and when it had been let through or refused.
struct ask
{
    time_point asked;
    time_point let;
    bool passed = true;
};

// The most requests that surely were decided within one window: those that began and ended within it.
std::size_t worst(std::vector<ask> all, duration window)
{
    std::erase_if(all, [](const ask& one) { return !one.passed; });
    std::ranges::sort(all, {}, &ask::let);
    std::size_t most = 0;
    for (std::size_t last = 0; last < all.size(); ++last) {
        const time_point from = all[last].let - window;
        std::size_t held = 0;
        for (std::size_t i = last + 1; i-- > 0 && all[i].let > from;) held += all[i].asked > from ? 1 : 0;
        most = std::max(most, held);
    }
    return most;
}

std::size_t passed(const std::vector<ask>& all)
{
    return static_cast<std::size_t>(std::ranges::count_if(all, &ask::passed));
}

// How many windows the clients surely filled: of each stretch of time in every tenth of a window of which twice its
// share was asked and answered, all but the first window, which may find the limit spent. A machine that stands still
// for a while lets nobody ask, and what was not asked for cannot pass.
double windows_filled(std::vector<ask> all, duration window, std::size_t limit)
{
    std::ranges::sort(all, {}, &ask::let);
    double filled = 0;
    int stretch = 0;
    const auto end_of_stretch = [&] { filled += std::max(0, std::exchange(stretch, 0) - 10) / 10.0; };
    auto next = all.begin();
    for (time_point until = all.front().let + window / 10; next != all.end(); until += window / 10) {
        const auto first = next;
        next = std::ranges::find_if(first, all.end(), [until](const ask& one) { return one.let >= until; });
        if (static_cast<std::size_t>(next - first) >= limit / 5)
            ++stretch;
        else
            end_of_stretch();
    }
    end_of_stretch();
    return filled;
}

// One process's shards, clients and limit.
class process
{
public:
    process(const policy& p, const redis::client_options& redis)
        : all(p, {.shards = shards_of_each, .redis_patience = redis.command_timeout})
    {
        for (unsigned i = 0; i < shards_of_each; ++i) {
            limiters.push_back(shards
                                   .start(i,
                                          [this, redis]() -> task<limiter*> {
                                              shard& here = shard::current();
                                              auto& client = here.own<redis::client>(here, blocking, redis);
                                              co_return &here.own<limiter>(here, all, &client);
                                          })
                                   .get());
        }
    }
    // Clients on every shard ask again and again until they are told to stop.
    void begin(const client_key& key, unsigned clients)
    {
        for (unsigned i = 0; i < shards_of_each * clients; ++i) {
            const unsigned on = i % shards_of_each;
            running.push_back(shards.start(on, [this, on, key] { return ask_on(*limiters[on], key); }));
        }
    }
    std::vector<ask> end()
    {
        stop = true;
        std::vector<ask> all_asked;
        for (auto& one : running) {
            const std::vector<ask> some = one.get();
            all_asked.insert(all_asked.end(), some.begin(), some.end());
        }
        running.clear();
        return all_asked;
    }
    limiter_counters counters()
    {
        limiter_counters sum;
        for (unsigned i = 0; i < shards_of_each; ++i) {
            const auto one =
                shards.start(i, [this, i]() -> task<limiter_counters> { co_return limiters[i]->counters(); }).get();
            sum.passed += one.passed;
            sum.asked_redis += one.asked_redis;
            sum.leased += one.leased;
            sum.refused_at_once += one.refused_at_once;
            sum.unanswered += one.unanswered;
            sum.failures += one.failures;
        }
        return sum;
    }
    [[nodiscard]] std::size_t asked_so_far() const { return asked; }

    rate_limit all;
    std::atomic<bool> stop = false;
    std::atomic<std::size_t> asked = 0;
    std::vector<limiter*> limiters;
    std::vector<std::future<std::vector<ask>>> running;
    offload_pool blocking{{.threads = 2}};
    sluice::test::shard_runner shards{shards_of_each};

private:
    task<std::vector<ask>> ask_on(limiter& by, client_key key)
    {
        std::vector<ask> asks;
        while (!stop) {
            const time_point before = steady_clock::now();
            const decision made = co_await by.decide(key);
            const time_point after = steady_clock::now();
            ++asked;
            asks.push_back({before, after, made.is == outcome::passes});
            // As far apart as requests of a connection are, or the machine would do nothing else.
            (void)co_await sleep_for(1ms);
        }
        co_return asks;
    }
};

class Fleet : public redis::test::Redis
{
protected:
    void start(policy p, const redis::client_options& with)
    {
        for (int i = 0; i < 2; ++i) processes.push_back(std::make_unique<process>(p, with));
        for (auto& one : processes) one->begin(client_key::of_text("everybody"), 40);
    }
    // As long as it takes the clients to ask so often again.
    void let_them_ask(std::size_t more)
    {
        for (auto& one : processes) {
            const std::size_t until = one->asked_so_far() + more;
            while (one->asked_so_far() < until) std::this_thread::sleep_for(1ms);
        }
    }
    void await_redis(bool answers)
    {
        for (auto& one : processes)
            while (one->all.without_redis() == answers) std::this_thread::sleep_for(1ms);
    }
    // All that was asked, by process.
    std::vector<std::vector<ask>> end()
    {
        std::vector<std::vector<ask>> parts;
        for (auto& one : processes) one->stop = true;
        for (auto& one : processes) parts.push_back(one->end());
        return parts;
    }
    static std::vector<ask> together(const std::vector<std::vector<ask>>& parts)
    {
        std::vector<ask> all;
        for (const auto& one : parts) all.insert(all.end(), one.begin(), one.end());
        return all;
    }

    std::vector<std::unique_ptr<process>> processes;
};

constexpr unsigned limit = 3000; // leases of 46
constexpr duration window = 1s;
constexpr double tolerance = 1.1;

policy of(on_failure what)
{
    return {.name = "fleet", .quotas = {{.requests = limit, .window = window}}, .without_redis = what};
}

TEST_F(Fleet, passes_no_more_than_the_limit_in_any_window_leases_included)
{
    start(of(on_failure::local), options());
    let_them_ask(100'000);
    const auto all = together(end());
    EXPECT_LE(worst(all, window), limit);
    EXPECT_GE(static_cast<double>(passed(all)), 0.8 * limit * windows_filled(all, window, limit));
    limiter_counters sum;
    for (auto& one : processes) {
        sum.leased += one->counters().leased;
        sum.asked_redis += one->counters().asked_redis;
        sum.refused_at_once += one->counters().refused_at_once;
        sum.failures += one->counters().failures;
    }
    EXPECT_EQ(sum.failures, 0u);
    EXPECT_GT(sum.leased, passed(all) / 4);
    EXPECT_GT(sum.refused_at_once, 0u);
    EXPECT_LT(sum.asked_redis, passed(all));
}

TEST_F(Fleet, lets_each_process_count_by_itself_while_redis_does_not_answer_and_comes_back)
{
    start(of(on_failure::local), hasty());
    let_them_ask(20'000);
    for (const char* fault : {"freeze", "kill"}) {
        order(fault);
        await_redis(false);
        let_them_ask(20'000);
        order(std::string_view(fault) == "freeze" ? "thaw" : "start");
        await_redis(true);
        let_them_ask(20'000);
    }
    const auto parts = end();
    for (const auto& one : parts) EXPECT_LE(static_cast<double>(worst(one, window)), tolerance * limit);
    EXPECT_LE(static_cast<double>(worst(together(parts), window)), 2 * tolerance * limit);
}

TEST_F(Fleet, lets_nobody_pass_while_redis_does_not_answer_where_that_is_closed)
{
    start(of(on_failure::closed), hasty());
    let_them_ask(20'000);
    for (const char* fault : {"freeze", "kill"}) {
        order(fault);
        await_redis(false);
        let_them_ask(5'000);
        order(std::string_view(fault) == "freeze" ? "thaw" : "start");
        await_redis(true);
        let_them_ask(20'000);
    }
    const auto all = together(end());
    EXPECT_LE(static_cast<double>(worst(all, window)), tolerance * limit);
    for (auto& one : processes) EXPECT_GT(one->counters().unanswered, 0u);
}

TEST_F(Fleet, lets_all_pass_while_redis_does_not_answer_where_that_is_open)
{
    start(of(on_failure::open), hasty());
    order("kill");
    await_redis(false);
    const auto before = processes[0]->counters();
    let_them_ask(1000);
    EXPECT_GE(processes[0]->counters().passed, before.passed + 900);
    order("start");
    await_redis(true);
    (void)end();
}

TEST_F(Fleet, keeps_the_limit_where_the_script_and_connections_are_lost)
{
    start(of(on_failure::local), options());
    for (int i = 0; i < 5; ++i) {
        let_them_ask(5'000);
        EXPECT_EQ(admin({"SCRIPT", "FLUSH"}), "OK");
        let_them_ask(5'000);
        (void)admin({"CLIENT", "KILL", "TYPE", "normal"});
    }
    EXPECT_LE(worst(together(end()), window), limit) << "connections are replaced at once, which is no outage";
    for (auto& one : processes) EXPECT_EQ(one->counters().failures, 0u);
}

TEST_F(Fleet, keeps_the_limit_where_redis_is_slow)
{
    start(of(on_failure::local), options());
    for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(admin({"CLIENT", "PAUSE", "150", "ALL"}), "OK");
        let_them_ask(3'000);
    }
    const auto all = together(end());
    EXPECT_LE(worst(all, window), limit);
    EXPECT_GT(passed(all), limit / 2);
}

// It answers pings all the while.
TEST_F(Fleet, goes_on_without_a_redis_that_takes_no_writes_and_comes_back)
{
    struct fault
    {
        std::vector<std::string> begin, end;
    };
    const fault faults[] = {
        {{"CONFIG", "SET", "maxmemory", "1"}, {"CONFIG", "SET", "maxmemory", "0"}},
        {{"REPLICAOF", "127.0.0.1", "1"}, {"REPLICAOF", "NO", "ONE"}},
        {{"CLIENT", "PAUSE", "600000", "WRITE"}, {"CLIENT", "UNPAUSE"}},
    };
    start(of(on_failure::local), hasty());
    let_them_ask(5'000);
    for (const fault& one : faults) {
        SCOPED_TRACE(one.begin[0] + ' ' + one.begin[1]);
        EXPECT_EQ(admin(one.begin), "OK");
        await_redis(false);
        let_them_ask(10'000);
        EXPECT_EQ(admin(one.end), "OK");
        await_redis(true);
        let_them_ask(5'000);
    }
    for (const auto& one : end()) EXPECT_LE(static_cast<double>(worst(one, window)), tolerance * limit);
}

// Counts that are deleted while Redis answers are forgotten, and nothing else: before and after that the limit holds,
// but for what shards had on lease.
TEST_F(Fleet, keeps_the_limit_on_either_side_of_a_redis_that_is_emptied)
{
    start(of(on_failure::local), options());
    let_them_ask(20'000);
    const time_point from = steady_clock::now();
    EXPECT_EQ(admin({"FLUSHALL"}), "OK");
    const time_point to = steady_clock::now();
    let_them_ask(20'000);
    const auto all = together(end());
    std::vector<ask> before;
    std::vector<ask> after;
    std::ranges::copy_if(all, std::back_inserter(before), [from](const ask& one) { return one.let < from; });
    std::ranges::copy_if(all, std::back_inserter(after), [to](const ask& one) { return one.asked > to; });
    EXPECT_LE(worst(before, window), limit);
    EXPECT_LE(static_cast<double>(worst(after, window)), tolerance * limit);
    for (auto& one : processes) EXPECT_EQ(one->counters().failures, 0u);
}

TEST_F(Fleet, does_not_ask_redis_while_it_is_known_to_be_away_and_decides_all_without_its_answer)
{
    start(of(on_failure::local), hasty());
    let_them_ask(1'000);
    order("freeze");
    await_redis(false);
    const auto asked_redis = [this] {
        return std::pair(processes[0]->counters().asked_redis, processes[1]->counters().asked_redis);
    };
    const auto asked = asked_redis();
    let_them_ask(5'000);
    (void)end(); // whoever had asked before, too, has his decision
    EXPECT_EQ(asked_redis(), asked);
    order("thaw");
    await_redis(true);
}

} // namespace
} // namespace sluice::limit

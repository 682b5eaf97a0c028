// Transactions beside a real PostgreSQL: together or not at all. Run by server.py.
#include "database.hpp"

#include <sluice/core/span.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/postgres/transaction.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::insert;

constexpr statement total{"total", "SELECT sum(n)::int8 FROM numbers", access::reads};

// Inserts each, and then ends with `failure` if there is one.
task<result<void>> insert_all(transaction& t, std::vector<std::int64_t> numbers, std::optional<error> failure = {})
{
    for (const std::int64_t n : numbers) {
        auto made = co_await t.query(insert, n);
        if (!made) co_return fail(made.error());
    }
    if (failure) co_return fail(*failure);
    co_return {};
}

class Transaction : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        admin("CREATE TABLE numbers (n int8 PRIMARY KEY); GRANT ALL ON numbers TO sluice");
    }
    std::string stored() { return admin("SELECT coalesce(string_agg(n::text, ',' ORDER BY n), '') FROM numbers"); }
    pool& open_one()
    {
        pool_options one = options();
        one.connections_max = 1;
        return open(one);
    }
    // Inserts 1, and has the connection for itself until `may_end_`.
    std::future<result<void>> hold_the_only(pool& db)
    {
        auto holder = shards.start(0, [this, &db] {
            return transact(db, {}, [this](transaction& t) -> task<result<void>> {
                auto made = co_await insert_all(t, {1});
                holds_ = true;
                while (!may_end_) (void)co_await sleep_for(1ms);
                co_return made;
            });
        });
        while (!holds_) std::this_thread::yield();
        return holder;
    }
    std::atomic<bool> holds_ = false;
    std::atomic<bool> may_end_ = false;
};

TEST_F(Transaction, commits_on_a_value)
{
    pool& db = open();
    EXPECT_TRUE(shards.run([&] { return transact(db, {}, [](transaction& t) { return insert_all(t, {1, 2, 3}); }); }));
    EXPECT_EQ(stored(), "1,2,3");
}

TEST_F(Transaction, rolls_back_on_an_error)
{
    pool& db = open();
    const auto ended = shards.run([&] {
        return transact(db, {}, [](transaction& t) { return insert_all(t, {1, 2}, error{.code = errc::not_found}); });
    });
    EXPECT_EQ(ended.error().code, errc::not_found);
    EXPECT_EQ(stored(), "");
    EXPECT_EQ(
        shards.run([&] { return transact(db, {}, [](transaction& t) { return insert_all(t, {1, 1}); }); }).error().code,
        errc::conflict);
    EXPECT_EQ(stored(), "");
}

TEST_F(Transaction, rolls_back_when_its_body_throws_and_gives_its_connection_back)
{
    pool& db = open_one();
    const bool thrown = shards.run([&]() -> task<bool> {
        try {
            (void)co_await transact(db, {}, [](transaction& t) -> task<result<void>> {
                auto made = co_await insert_all(t, {1});
                if (made) throw std::runtime_error("no more");
                co_return made;
            });
        } catch (const std::runtime_error&) {
            co_return true;
        }
        co_return false;
    });
    EXPECT_TRUE(thrown);
    const auto next = shards.run([&] { return transact(db, {}, [](transaction& t) { return insert_all(t, {2}); }); });
    EXPECT_TRUE(next) << next.error().detail;
    EXPECT_EQ(stored(), "2");
}

TEST_F(Transaction, rolls_back_when_its_request_is_cancelled_and_gives_its_connection_back)
{
    static constexpr statement nap{"nap_read", "SELECT pg_sleep(60)", access::reads};
    pool& db = open_one();
    for (const bool in_a_statement : {false, true}) {
        stop_source stop;
        context request{.stop = &stop};
        std::atomic<bool> inserted = false;
        auto ended = shards.start(
            0,
            [&] {
                return transact(db, {.repeatable = true}, [&](transaction& t) -> task<result<void>> {
                    auto made = co_await insert_all(t, {1});
                    if (!made) co_return made;
                    inserted = true;
                    if (!in_a_statement) co_return co_await sleep_for(60s);
                    auto slept = co_await t.query(nap);
                    if (!slept) co_return fail(slept.error());
                    co_return {};
                });
            },
            &request);
        while (!inserted) std::this_thread::yield();
        if (in_a_statement)
            admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND wait_event = 'PgSleep'", "1");
        on_shard([&] {
            stop.request();
            return true;
        });
        const auto how = ended.get();
        ASSERT_FALSE(how);
        EXPECT_EQ(how.error().code, errc::cancelled) << how.error().detail;
        const auto next = shards.run([&] { return db.ping(); });
        EXPECT_TRUE(next) << next.error().detail;
        admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND state <> 'idle'", "0");
        EXPECT_EQ(stored(), "");
    }
}

TEST_F(Transaction, does_not_commit_what_a_body_overlooked)
{
    pool& db = open();
    const auto ended = shards.run([&] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            for (const std::int64_t n : {1, 1}) (void)co_await t.query(insert, n);
            co_return {};
        });
    });
    EXPECT_FALSE(ended);
    EXPECT_EQ(stored(), "");
}

TEST_F(Transaction, goes_on_from_a_savepoint)
{
    pool& db = open();
    const auto ended = shards.run([&] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            auto first = co_await insert_all(t, {1});
            auto saved = co_await t.savepoint("before \"two\"");
            auto second = co_await insert_all(t, {1});
            EXPECT_TRUE(first && saved && !second);
            auto back = co_await t.rollback_to("before \"two\"");
            auto released = co_await t.release("before \"two\"");
            EXPECT_TRUE(back && released);
            co_return co_await insert_all(t, {3});
        });
    });
    EXPECT_TRUE(ended);
    EXPECT_EQ(stored(), "1,3");
}

TEST_F(Transaction, leaves_the_pool_to_others_and_gives_its_connection_back)
{
    pool_options few = options();
    few.connections_max = 2;
    pool& db = open(few);
    const auto ended = all(20, [&db](std::size_t i) -> task<result<void>> {
        if (i % 4 == 3) co_return co_await db.ping();
        const auto n = static_cast<std::int64_t>(i);
        co_return co_await transact(db, {}, [n](transaction& t) { return insert_all(t, {n}); });
    });
    for (const auto& one : ended) EXPECT_TRUE(one) << one.error().detail;
    EXPECT_EQ(admin("SELECT count(*) FROM numbers"), "15");
}

TEST_F(Transaction, takes_the_only_connection_there_is)
{
    pool& db = open_one();
    const auto ended = all(10, [&db](std::size_t i) -> task<result<void>> {
        if (i % 2 == 0) co_return co_await db.ping();
        const auto n = static_cast<std::int64_t>(i);
        co_return co_await transact(db, {}, [n](transaction& t) { return insert_all(t, {n}); });
    });
    for (const auto& each : ended) EXPECT_TRUE(each) << each.error().detail;
}

TEST_F(Transaction, that_holds_the_connection_is_waited_for_in_a_stage_of_its_own)
{
    pool& db = open_one();
    auto first = hold_the_only(db);
    span_log spans;
    context request{.trace = trace_context::start(), .spans = &spans};
    request.stages.begin(steady_clock::now());
    auto second = shards.start(0, [&] { return db.query(total); }, &request);
    while (on_shard([&] { return request.stages.now_in(); }) != stage::pool_wait) std::this_thread::yield();
    may_end_ = true;
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_GT(request.stages.spent(stage::pool_wait), duration::zero());
    EXPECT_GT(request.stages.spent(stage::query), duration::zero());
    ASSERT_EQ(spans.all().size(), 1u); // the statement's, and nothing of the other's
    EXPECT_EQ(spans.all()[0].name, "total");
    EXPECT_NE(spans.all()[0].end, never);
    EXPECT_FALSE(spans.all()[0].failed);
}

TEST_F(Transaction, that_finds_too_many_waiting_is_refused)
{
    pool_options small = options();
    small.connections_max = 1;
    small.waiters_max = 2;
    small.connect_timeout = 30s;
    pool& db = open(small);
    auto first = hold_the_only(db);
    const auto insert_one = [&db](std::int64_t n) {
        return transact(db, {}, [n](transaction& t) { return insert_all(t, {n}); });
    };
    auto second = shards.start(0, [&] { return insert_one(2); });
    auto third = shards.start(0, [&] { return insert_one(3); });
    while (on_shard([&] { return db.counters().waiting; }) < 2) std::this_thread::yield();
    const auto more = all(3, [&](std::size_t) { return insert_one(4); });
    EXPECT_EQ(on_shard([&] { return db.counters().refused; }), 3u);
    may_end_ = true;
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_TRUE(third.get());
    EXPECT_EQ(on_shard([&] { return db.counters().waiting; }), 0u);
    EXPECT_EQ(stored(), "1,2,3");
    for (const auto& refused : more) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::unavailable);
        EXPECT_GT(refused.error().retry_after, 0ms);
    }
}

TEST_F(Transaction, that_waits_until_its_requests_time_is_over_says_so)
{
    pool& db = open_one();
    auto first = hold_the_only(db);
    context hurried;
    hurried.deadline = steady_clock::now() + 20ms; // far less than there is for a connection
    const auto ended =
        shards.start(
                  0, [&] { return transact(db, {}, [](transaction& t) { return insert_all(t, {2}); }); }, &hurried)
            .get();
    may_end_ = true;
    EXPECT_TRUE(first.get());
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, errc::timeout);
    EXPECT_EQ(stored(), "1");
}

TEST_F(Transaction, is_undone_when_its_connection_is_lost_and_runs_again_if_it_is_repeatable)
{
    pool& db = open();
    for (const bool repeatable : {false, true}) {
        int runs = 0;
        const auto ended = shards.run([&] {
            return transact(db, {.repeatable = repeatable}, [&](transaction& t) -> task<result<void>> {
                auto made = co_await insert_all(t, {1});
                if (++runs == 1) admin(std::string("SELECT pg_terminate_backend(pid) ") + test::back_ends);
                if (!made) co_return fail(made.error());
                co_return co_await insert_all(t, {2});
            });
        });
        EXPECT_EQ(ended.has_value(), repeatable);
        if (!ended) EXPECT_EQ(ended.error().code, errc::unavailable);
        EXPECT_EQ(stored(), repeatable ? "1,2" : "");
    }
}

TEST_F(Transaction, is_refused_for_now_or_runs_again_when_what_was_prepared_does_not_fit_any_more)
{
    static constexpr statement read_all{"read_all", "SELECT * FROM numbers", access::reads};
    static constexpr statement forget{"", "DEALLOCATE ALL"};
    static constexpr statement change{"", "ALTER TABLE numbers ADD COLUMN more int4"};
    static constexpr statement change_again{"", "ALTER TABLE numbers ADD COLUMN most int4"};
    pool& db = open_one();
    admin("ALTER TABLE numbers OWNER TO sluice");
    const std::pair<const statement*, bool> rounds[] = {
        {&forget, false}, {&forget, true}, {&change, false}, {&change_again, true}};
    for (const auto& [what, repeatable] : rounds) {
        const auto read = [&] {
            return transact(db, {.repeatable = repeatable}, [](transaction& t) -> task<result<void>> {
                auto found = co_await t.query(read_all);
                if (!found) co_return fail(found.error());
                co_return {};
            });
        };
        EXPECT_TRUE(shards.run(read));
        EXPECT_TRUE(shards.run([&] { return db.query(*what); }));
        const auto met = shards.run(read);
        EXPECT_EQ(met.has_value(), repeatable) << what->sql;
        if (!met) EXPECT_EQ(met.error().code, errc::unavailable) << met.error().detail;
        if (!met) EXPECT_GT(met.error().retry_after, 0ms);
        EXPECT_TRUE(shards.run(read));
    }
}

TEST_F(Transaction, does_not_mistake_what_the_server_never_runs_for_a_change)
{
    static constexpr statement impossible{"impossible", "SELECT n FROM numbers GROUP BY n FOR UPDATE"}; // 0A000
    pool& db = open_one();
    int runs = 0;
    for (int i = 0; i < 3; ++i) {
        const auto refused = shards.run([&] {
            return transact(db, {.repeatable = true}, [&](transaction& t) -> task<result<void>> {
                ++runs;
                auto found = co_await t.query(impossible);
                if (!found) co_return fail(found.error());
                co_return {};
            });
        });
        EXPECT_EQ(refused.error().code, errc::internal);
    }
    EXPECT_EQ(runs, 3);
}

TEST_F(Transaction, leaves_a_connection_that_others_can_use_when_it_writes_though_it_only_reads)
{
    pool& db = open_one();
    const auto refused = shards.run(
        [&] { return transact(db, {.read_only = true}, [](transaction& t) { return insert_all(t, {1}); }); });
    EXPECT_FALSE(refused);
    const auto after = shards.run([&] { return db.ping(); });
    EXPECT_TRUE(after) << after.error().detail;
}

TEST_F(Transaction, rolls_back_though_everything_prepared_was_forgotten)
{
    static constexpr statement forget{"", "DEALLOCATE ALL"};
    pool& db = open_one();
    const auto failing = [&] {
        return transact(db, {}, [](transaction& t) { return insert_all(t, {1}, error{.code = errc::not_found}); });
    };
    EXPECT_FALSE(shards.run(failing));
    EXPECT_TRUE(shards.run([&] { return db.query(forget); }));
    EXPECT_FALSE(shards.run(failing));
    EXPECT_EQ(stored(), "");
}

TEST_F(Transaction, gives_back_what_it_was_granted_too_late)
{
    pool_options one = options();
    one.connections_max = 1;
    one.connect_timeout = 30ms;
    pool& db = open(one);
    static constexpr statement nap{"", "SELECT pg_sleep(0.03)"};
    for (int round = 0; round < 10; ++round)
        (void)all(6, [&db](std::size_t) {
            return transact(db, {}, [](transaction& t) -> task<result<void>> {
                auto slept = co_await t.query(nap);
                if (!slept) co_return fail(slept.error());
                co_return {};
            });
        });
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
}

TEST_F(Transaction, leaves_nothing_running_when_it_is_late)
{
    pool_options hasty = options();
    hasty.statement_timeout = 1s; // within which the ping must come as well, however busy the machine is
    pool& db = open(hasty);
    static constexpr statement nap{"nap", "SELECT pg_sleep(60)"};
    const auto ended = shards.run([&] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            auto made = co_await insert_all(t, {1});
            auto slept = co_await t.query(nap);
            if (!made || !slept) co_return fail(slept.error());
            co_return {};
        });
    });
    EXPECT_EQ(ended.error().code, errc::timeout);
    admin.await(std::string("SELECT count(*) ") + test::back_ends + " AND state <> 'idle'", "0");
    EXPECT_EQ(stored(), "");
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
}

} // namespace
} // namespace sluice::postgres

#include "run.hpp"
#include "temporary_folder.hpp"

#include <sluice/core/span.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/sqlite/database.hpp>
#include <sluice/sqlite/operation_metrics.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <semaphore>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::sqlite {
namespace {

constexpr migration steps[] = {{.name = "numbers", .sql = "CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT;"},
                               {.name = "doubles", // whose rule is looked at by COMMIT
                                .sql = "CREATE TABLE doubles (n INTEGER PRIMARY KEY, half INTEGER NOT NULL REFERENCES "
                                       "numbers (n) DEFERRABLE INITIALLY DEFERRED) STRICT;"}};

class Database : public testing::Test
{
protected:
    void SetUp() override { open({}); }
    void open(database_options options)
    {
        db.reset();
        options.path = folder.file("a.db");
        options.migrations = steps;
        auto opened = database::open(options);
        ASSERT_TRUE(opened) << opened.error().detail;
        db = std::move(*opened);
    }
    auto insert(int n)
    {
        return [this, n] {
            return db->write([n](connection& c) { return c.execute("INSERT INTO numbers VALUES (?1)", n); });
        };
    }
    auto count()
    {
        return [this] {
            return db->read([](connection& c) {
                return c.query_one("SELECT count(*) FROM numbers", [](const row& r) { return r.get<int>(0); });
            });
        };
    }
    // Keeps the writer inside a write from hold() to let_go().
    std::future<result<void>> hold(test::shard_runner& shards)
    {
        auto held = shards.start(0, [this] {
            return db->write([this](connection&) -> result<void> {
                entered.release();
                leave.acquire();
                return {};
            });
        });
        entered.acquire();
        return held;
    }
    void let_go() { leave.release(); }

    test::temporary_folder folder;
    std::unique_ptr<database> db;
    std::binary_semaphore entered{0}, leave{0};
};

TEST_F(Database, reads_what_it_has_written)
{
    test::shard_runner shards;
    EXPECT_EQ(shards.run(insert(1)).value(), 1);
    EXPECT_EQ(shards.run(count()).value(), 1);
}

TEST_F(Database, runs_nothing_on_a_shard)
{
    test::shard_runner shards;
    const auto elsewhere = [](connection&) -> result<bool> { return !shard::is_current(); };
    EXPECT_TRUE(shards.run([&] { return db->read(elsewhere); }).value());
    EXPECT_TRUE(shards.run([&] { return db->write(elsewhere); }).value());
}

TEST_F(Database, knows_whose_reads_and_writes_it_does)
{
    test::shard_runner shards;
    context request{.trace = trace_context::start(), .task = "/things"};
    using whose = std::pair<decltype(trace_context::trace_id), std::string_view>;
    const auto look = [](connection&) -> result<whose> {
        const context* of = context::current();
        if (of == nullptr) return fail(errc::not_found, "Nobody's");
        return whose(of->trace.trace_id, of->task);
    };
    const whose ours(request.trace.trace_id, request.task);
    EXPECT_EQ(shards.start(0, [&] { return db->read(look); }, &request).get(), ours);
    EXPECT_EQ(shards.start(0, [&] { return db->write(look); }, &request).get(), ours);
    EXPECT_NE(shards.run([&] { return db->write(look); }), ours);
}

TEST_F(Database, shows_each_statement_in_the_trace_of_its_request)
{
    test::shard_runner shards;
    span_log spans;
    context request{.trace = trace_context::start(), .spans = &spans};
    const auto twice = [](connection& c) -> result<std::int64_t> {
        if (auto first = c.execute("INSERT INTO numbers VALUES (1)"); !first) return first;
        return c.execute("INSERT INTO numbers VALUES (?1)", 1);
    };
    EXPECT_FALSE(shards.start(0, [&] { return db->write(twice); }, &request).get());
    EXPECT_EQ(shards.start(0, count(), &request).get().value(), 0);

    using seen = std::tuple<std::string_view, std::string_view, bool>;
    std::vector<seen> all;
    for (const span_record& one : spans.all()) {
        EXPECT_LE(one.begin, one.end);
        EXPECT_NE(one.end, never);
        EXPECT_EQ(one.all()[0].text, "sqlite");
        all.emplace_back(one.name, one.all().size() > 1 ? one.all()[1].text : "", one.failed);
    }
    EXPECT_EQ(all, (std::vector<seen>{{"sqlite write", "", true},
                                      {"sqlite statement", "BEGIN IMMEDIATE", false},
                                      {"sqlite statement", "INSERT INTO numbers VALUES (1)", false},
                                      {"sqlite statement", "INSERT INTO numbers VALUES (?1)", true},
                                      {"sqlite statement", "COMMIT", false},
                                      {"sqlite read", "", false},
                                      {"sqlite statement", "SELECT count(*) FROM numbers", false}}));
}

TEST_F(Database, shows_a_commit_that_writes_shared_in_the_trace_of_each)
{
    test::shard_runner shards;
    span_log spans[2];
    context first{.trace = trace_context::start(), .spans = &spans[0]};
    context second{.trace = trace_context::start(), .spans = &spans[1]};
    auto held = hold(shards);
    auto one = shards.start(0, insert(1), &first);
    auto other = shards.start(0, insert(2), &second);
    ASSERT_TRUE(shards.run(count())); // both are queued by now
    let_go();
    ASSERT_TRUE(held.get());
    ASSERT_TRUE(one.get());
    ASSERT_TRUE(other.get());

    const span_record* commits[2] = {&spans[0].all().back(), &spans[1].all().back()};
    for (const span_record* commit : commits) {
        ASSERT_EQ(commit->all().size(), 3U);
        EXPECT_EQ(commit->all()[1].text, "COMMIT");
        EXPECT_EQ(commit->all()[2].name, "sluice.writes");
        EXPECT_EQ(commit->all()[2].number, 2);
    }
    EXPECT_EQ(commits[0]->begin, commits[1]->begin);
    EXPECT_EQ(commits[0]->end, commits[1]->end);
    EXPECT_NE(commits[0]->id, commits[1]->id);
}

TEST_F(Database, shows_a_rollback_of_writes_that_cannot_be_committed_in_the_trace_of_each)
{
    test::shard_runner shards;
    span_log spans[2];
    context first{.trace = trace_context::start(), .spans = &spans[0]};
    context second{.trace = trace_context::start(), .spans = &spans[1]};
    const auto of_nothing = [](connection& c) { return c.execute("INSERT INTO doubles VALUES (2, 1)"); };
    auto held = hold(shards);
    auto one = shards.start(0, [&] { return db->write(of_nothing); }, &first);
    auto other = shards.start(0, insert(2), &second);
    ASSERT_TRUE(shards.run(count())); // both are queued by now
    let_go();
    ASSERT_TRUE(held.get());
    EXPECT_FALSE(one.get());
    EXPECT_FALSE(other.get());
    EXPECT_EQ(shards.run(count()).value(), 0);

    for (const span_log& all : spans) {
        ASSERT_GE(all.all().size(), 2U);
        const span_record &commit = all.all().end()[-2], &rollback = all.all().back();
        EXPECT_EQ(commit.all()[1].text, "COMMIT");
        EXPECT_TRUE(commit.failed);
        EXPECT_EQ(rollback.name, commit.name);
        EXPECT_EQ(rollback.kind, span_kind::client);
        EXPECT_FALSE(rollback.failed);
        ASSERT_EQ(rollback.all().size(), 3U);
        EXPECT_EQ(rollback.all()[0].text, "sqlite");
        EXPECT_EQ(rollback.all()[1].text, "ROLLBACK");
        EXPECT_EQ(rollback.all()[2].name, "sluice.writes");
        EXPECT_EQ(rollback.all()[2].number, 2);
    }
}

TEST_F(Database, leaves_the_trace_alone_of_a_request_that_has_gone)
{
    test::shard_runner shards;
    auto held = hold(shards);
    {
        const auto spans = std::make_unique<span_log>();
        context late{.spans = spans.get(), .deadline = steady_clock::now()};
        EXPECT_EQ(shards.start(0, insert(1), &late).get().error().code, errc::timeout);
        ASSERT_EQ(spans->all().size(), 1U);
        EXPECT_EQ(spans->all()[0].name, "sqlite write");
    }
    let_go();
    ASSERT_TRUE(held.get());
    ASSERT_TRUE(shards.run(insert(2)));
    EXPECT_EQ(shards.run(count()).value(), 2);
}

TEST_F(Database, gives_the_error_of_the_function)
{
    test::shard_runner shards;
    ASSERT_TRUE(shards.run(insert(1)));
    EXPECT_EQ(shards.run(insert(1)).error().code, errc::conflict);
    const auto refuse = [](connection&) -> result<int> { return fail(errc::not_found, "Not here"); };
    EXPECT_EQ(shards.run([&] { return db->read(refuse); }).error().detail, "Not here");
}

TEST_F(Database, answers_at_the_deadline_and_makes_the_change_all_the_same)
{
    test::shard_runner shards;
    auto held = hold(shards);
    context late;
    late.deadline = steady_clock::now(); // has passed once the wait begins
    const auto outcome = shards.start(0, insert(1), &late).get();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, errc::timeout);
    EXPECT_EQ(outcome.error().detail, "The deadline passed; the change may still be made");
    let_go();
    ASSERT_TRUE(held.get());
    ASSERT_TRUE(shards.run(insert(2))); // the writer keeps the order, so the late one is done as well
    EXPECT_EQ(shards.run(count()).value(), 2);
}

TEST_F(Database, lets_a_cancelled_request_go_and_makes_the_change_all_the_same)
{
    test::shard_runner shards;
    auto held = hold(shards);
    stop_source stop;
    context request;
    request.stop = &stop;
    auto waiting = shards.start(0, insert(1), &request);
    const auto cancel = [&]() -> task<bool> {
        stop.request();
        co_return true;
    };
    EXPECT_TRUE(shards.run(cancel));
    EXPECT_EQ(waiting.get().error().code, errc::cancelled);
    let_go();
    ASSERT_TRUE(held.get());
    ASSERT_TRUE(shards.run(insert(2)));
    EXPECT_EQ(shards.run(count()).value(), 2);
}

TEST_F(Database, keeps_a_shard_until_its_writes_have_come_back)
{
    context late;
    late.deadline = steady_clock::now();
    {
        test::shard_runner others(1);
        auto shards = std::make_unique<test::shard_runner>();
        auto held = hold(others);
        EXPECT_EQ(shards->start(0, insert(1), &late).get().error().code, errc::timeout);
        auto ended = std::async(std::launch::async, [&] { shards.reset(); });
        let_go(); // before or after the shard was told to finish: it must not be gone when the write comes back
        ASSERT_TRUE(held.get());
        ended.get();
    }
    test::shard_runner again;
    EXPECT_EQ(again.run(count()).value(), 1);
}

TEST_F(Database, refuses_writes_over_its_bound_at_once)
{
    open({.writes_max = 2});
    test::shard_runner shards;
    auto held = hold(shards);
    auto fits = shards.start(0, insert(1));
    const auto refused = shards.run(insert(2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unavailable);
    EXPECT_GT(refused.error().retry_after.count(), 0);
    let_go();
    EXPECT_TRUE(held.get());
    EXPECT_TRUE(fits.get());
}

TEST_F(Database, refuses_reads_over_its_bound_at_once)
{
    open({.readers = 1, .reads_max = 2});
    test::shard_runner shards;
    const auto blocked = [this] {
        return db->read([this](connection&) -> result<void> {
            entered.release();
            leave.acquire();
            return {};
        });
    };
    auto first = shards.start(0, blocked);
    entered.acquire();
    std::vector<std::future<result<std::optional<int>>>> queued;
    for (int i = 0; i < 20; ++i) queued.push_back(shards.start(0, count()));
    std::size_t refused = 0;
    // The last was refused at once, while nothing could be read.
    EXPECT_EQ(queued.back().get().error().code, errc::unavailable);
    queued.pop_back();
    let_go();
    EXPECT_TRUE(first.get());
    for (auto& each : queued) refused += each.get() ? 0 : 1;
    EXPECT_GE(refused, 15U);
}

TEST_F(Database, shows_how_long_reads_and_writes_took_on_a_shard_that_wants_to_know)
{
    metric_set shown;
    test::shard_runner shards(2);
    const auto wants_to_know = [&]() -> task<bool> {
        shard::current().own<operation_metrics>(shown);
        co_return true;
    };
    ASSERT_TRUE(shards.run(wants_to_know));
    ASSERT_TRUE(shards.run(insert(1)));
    ASSERT_FALSE(shards.run(insert(1)));
    ASSERT_TRUE(shards.run(count()));
    ASSERT_TRUE(shards.start(1, count()).get());
    const std::string text = prometheus_text();
    const std::string_view writes =
        "\ndb_client_operation_duration_seconds_count{db_system_name=\"sqlite\",db_operation_name=\"write\"} 2\n";
    const std::string_view reads =
        "\ndb_client_operation_duration_seconds_count{db_system_name=\"sqlite\",db_operation_name=\"read\"} 1\n";
    EXPECT_NE(text.find(writes), std::string::npos) << text;
    EXPECT_NE(text.find(reads), std::string::npos) << text;
}

TEST_F(Database, serves_many_shards_and_both_kinds_at_once)
{
    test::shard_runner shards(3);
    std::vector<std::future<result<std::int64_t>>> writes;
    std::vector<std::future<result<std::optional<int>>>> reads;
    for (int i = 0; i < 300; ++i) {
        writes.push_back(shards.start(static_cast<unsigned>(i) % 3, insert(i)));
        reads.push_back(shards.start(static_cast<unsigned>(i + 1) % 3, count()));
    }
    for (auto& each : writes) EXPECT_TRUE(each.get());
    for (auto& each : reads) EXPECT_TRUE(each.get());
    EXPECT_EQ(shards.run(count()).value(), 300);
}

} // namespace
} // namespace sluice::sqlite

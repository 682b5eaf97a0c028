#include "sqlite/writer.hpp"
#include "temporary_folder.hpp"

#include <sluice/sqlite/migration.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

namespace sluice::sqlite {
namespace {

constexpr migration steps[] = {{.name = "numbers", .sql = "CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT;"}};

// A write whose outcome a test can wait for.
class write final : public write_request
{
public:
    using body = std::function<result<void>(connection&)>;
    explicit write(body b) : body_(std::move(b)) {}

    const error* run(connection& c) noexcept override
    {
        outcome_ = body_(c);
        return outcome_ ? nullptr : &outcome_.error();
    }
    void finished(const error* failure) noexcept override
    {
        if (failure != nullptr) outcome_ = fail(*failure);
        done_.count_down();
    }
    const result<void>& outcome()
    {
        done_.wait();
        return outcome_;
    }

private:
    body body_;
    result<void> outcome_;
    std::latch done_{1};
};

write::body insert(int n)
{
    return [n](connection& c) -> result<void> {
        auto done = c.execute("INSERT INTO numbers VALUES (?1)", n);
        if (!done) return fail(done.error());
        return {};
    };
}

class Writer : public testing::Test
{
protected:
    void SetUp() override { ASSERT_TRUE(migrate(path, steps)); }
    connection open(access mode = access::read_write, duration busy = std::chrono::milliseconds(50))
    {
        auto opened = connection::open(path, mode, busy);
        EXPECT_TRUE(opened) << opened.error().detail;
        return std::move(*opened);
    }
    int count_rows()
    {
        auto c = open(access::read_only);
        return **c.query_one("SELECT count(*) FROM numbers", [](const row& r) { return r.get<int>(0); });
    }
    test::temporary_folder folder;
    std::string path = folder.file("a.db");
};

// Holds the writer inside a request until it is let go, so that what is submitted meanwhile gathers.
struct held_writer
{
    explicit held_writer(writer& w)
    {
        EXPECT_TRUE(w.submit(holder));
        entered.acquire();
    }
    void let_go() { leave.release(); }
    std::binary_semaphore entered{0}, leave{0};
    write holder{[this](connection&) -> result<void> {
        entered.release();
        leave.acquire();
        return {};
    }};
};

TEST_F(Writer, shows_a_write_to_other_connections_once_it_is_acknowledged)
{
    writer w(open(), 10);
    write one(insert(1));
    ASSERT_TRUE(w.submit(one));
    ASSERT_TRUE(one.outcome()) << one.outcome().error().detail;
    EXPECT_EQ(count_rows(), 1);
}

TEST_F(Writer, commits_what_has_gathered_together_and_in_order)
{
    writer w(open(), 10);
    held_writer held(w);
    std::vector<int> order;
    std::vector<std::unique_ptr<write>> writes;
    std::vector<bool> alone;
    for (int i = 0; i < 5; ++i) {
        writes.push_back(std::make_unique<write>([&, i](connection& c) {
            order.push_back(i);
            return insert(i)(c);
        }));
        ASSERT_TRUE(w.submit(*writes.back()));
    }
    // Nothing of the group may be visible before its last statement has run.
    write last([&](connection&) -> result<void> {
        EXPECT_EQ(count_rows(), 0);
        return {};
    });
    ASSERT_TRUE(w.submit(last));
    held.let_go();
    ASSERT_TRUE(last.outcome());
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
    EXPECT_EQ(count_rows(), 5);
}

TEST_F(Writer, undoes_a_request_that_fails_whole_and_no_other)
{
    writer w(open(), 10);
    held_writer held(w);
    write before(insert(1));
    write failing([](connection& c) -> result<void> {
        if (auto done = insert(2)(c); !done) return done;
        return insert(1)(c);
    });
    write after(insert(3));
    for (auto* each : {&before, &failing, &after}) ASSERT_TRUE(w.submit(*each));
    held.let_go();
    EXPECT_TRUE(before.outcome());
    EXPECT_TRUE(after.outcome());
    ASSERT_FALSE(failing.outcome());
    EXPECT_EQ(failing.outcome().error().code, errc::conflict);
    EXPECT_EQ(count_rows(), 2); // 1 and 3
}

TEST_F(Writer, fails_the_whole_group_when_its_transaction_is_lost)
{
    writer w(open(), 10);
    held_writer held(w);
    write before(insert(1));
    // What a full disk does: the transaction is rolled back under the request.
    write losing([](connection& c) -> result<void> {
        (void)c.execute("ROLLBACK");
        return fail(errc::unavailable, "The database's disk is full");
    });
    write after(insert(2));
    for (auto* each : {&before, &losing, &after}) ASSERT_TRUE(w.submit(*each));
    held.let_go();
    for (auto* each : {&before, &losing, &after}) {
        ASSERT_FALSE(each->outcome());
        EXPECT_EQ(each->outcome().error().detail, "The database's disk is full");
    }
    EXPECT_EQ(count_rows(), 0);
    write later(insert(3));
    ASSERT_TRUE(w.submit(later));
    EXPECT_TRUE(later.outcome());
}

TEST_F(Writer, fails_the_group_when_another_process_holds_the_lock_and_recovers)
{
    auto other = open();
    ASSERT_TRUE(other.run_script("BEGIN IMMEDIATE"));
    writer w(open(), 10);
    write refused(insert(1));
    ASSERT_TRUE(w.submit(refused));
    ASSERT_FALSE(refused.outcome());
    EXPECT_EQ(refused.outcome().error().code, errc::unavailable);
    ASSERT_TRUE(other.run_script("COMMIT"));
    write accepted(insert(1));
    ASSERT_TRUE(w.submit(accepted));
    EXPECT_TRUE(accepted.outcome());
}

TEST_F(Writer, refuses_what_is_over_its_bound_at_once)
{
    writer w(open(), 2);
    held_writer held(w);
    write fits(insert(1));
    write too_many(insert(2));
    EXPECT_TRUE(w.submit(fits));
    EXPECT_FALSE(w.submit(too_many));
    held.let_go();
    EXPECT_TRUE(fits.outcome());
    EXPECT_TRUE(w.submit(too_many)); // there is room again
    EXPECT_TRUE(too_many.outcome());
}

TEST_F(Writer, commits_what_is_queued_before_it_ends)
{
    std::vector<std::unique_ptr<write>> writes;
    {
        writer w(open(), 100);
        for (int i = 0; i < 50; ++i) {
            writes.push_back(std::make_unique<write>(insert(i)));
            ASSERT_TRUE(w.submit(*writes.back()));
        }
    }
    for (auto& each : writes) EXPECT_TRUE(each->outcome());
    EXPECT_EQ(count_rows(), 50);
}

TEST_F(Writer, takes_writes_from_many_threads)
{
    constexpr int threads = 4, each = 50;
    std::atomic<int> good = 0;
    {
        writer w(open(), threads);
        std::vector<std::thread> running;
        for (int t = 0; t < threads; ++t) {
            running.emplace_back([&, t] {
                for (int i = 0; i < each; ++i) {
                    write one(insert(t * each + i));
                    if (w.submit(one) && one.outcome()) ++good;
                }
            });
        }
        for (auto& thread : running) thread.join();
    }
    EXPECT_EQ(good, threads * each);
    EXPECT_EQ(count_rows(), threads * each);
}

TEST_F(Writer, keeps_its_log_bounded)
{
    {
        writer w(open(), 10);
        auto big = [](connection& c) -> result<void> {
            auto done = c.execute("WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 20000) "
                                  "INSERT OR REPLACE INTO numbers SELECT n FROM up");
            if (!done) return fail(done.error());
            return {};
        };
        for (int i = 0; i < 60; ++i) {
            write one(big);
            ASSERT_TRUE(w.submit(one));
            ASSERT_TRUE(one.outcome());
        }
        EXPECT_LT(std::filesystem::file_size(path + "-wal"), std::uintmax_t{16} << 20);
    }
}

} // namespace
} // namespace sluice::sqlite

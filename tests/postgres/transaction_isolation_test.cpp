// Transactions that meet others: what each sees of them, and what becomes of those that PostgreSQL does not let
// through. Run by server.py.
#include "database.hpp"

#include <sluice/postgres/transaction.hpp>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;

constexpr statement touch_one{"touch_one", "UPDATE pairs SET v = v + 1 WHERE id = $1"};
constexpr statement clear_one{"clear_one", "UPDATE pairs SET v = 0 WHERE id = $1"};
constexpr statement pairs_total{"pairs_total", "SELECT sum(v)::int8 FROM pairs", access::reads};

class TransactionIsolation : public test::Database
{
protected:
    // Two rows with the same value.
    void make_pairs(std::string_view v)
    {
        admin("DROP TABLE IF EXISTS pairs; CREATE TABLE pairs (id int4 PRIMARY KEY, v int4); GRANT ALL ON pairs TO "
              "sluice; INSERT INTO pairs SELECT g, " +
              std::string(v) + " FROM generate_series(1, 2) AS g");
    }
    std::string sum() { return admin("SELECT sum(v) FROM pairs"); }

    // How many statements ended because of other transactions.
    std::uint64_t met(pool& db)
    {
        std::uint64_t count = 0;
        for (const auto& one : on_shard([&] { return db.counters().errors; }))
            if (std::string_view(one.name.data(), 2) == "40") count += one.count;
        return count;
    }
    // Of two, those that are repeatable end well; of others, the one that PostgreSQL did not let through fails.
    static void expect_ended(const std::vector<result<void>>& two, bool repeatable)
    {
        EXPECT_EQ(std::ranges::count_if(two, [](const auto& one) { return one.has_value(); }), repeatable ? 2 : 1);
        for (const auto& one : two) {
            if (one) continue;
            EXPECT_EQ(one.error().code, errc::unavailable) << one.error().detail;
            EXPECT_GT(one.error().retry_after, 0ms);
        }
    }
};

// Goes on when both of two have come here; later runs do not wait.
task<result<void>> meet(int& arrived)
{
    ++arrived;
    while (arrived < 2) {
        auto waited = co_await sleep_for(1ms);
        if (!waited) co_return fail(waited.error());
    }
    co_return {};
}

task<result<std::string>> shown(transaction& t, const statement& what)
{
    auto found = co_await t.query(what);
    if (!found) co_return fail(found.error());
    co_return (*found)[0].get<std::string>(0);
}

TEST_F(TransactionIsolation, is_what_was_asked_for)
{
    static constexpr statement show_level{"", "SHOW transaction_isolation"};
    static constexpr statement show_read_only{"", "SHOW transaction_read_only"};
    const std::pair<isolation, std::string_view> levels[] = {{isolation::read_committed, "read committed"},
                                                             {isolation::repeatable_read, "repeatable read"},
                                                             {isolation::serializable, "serializable"}};
    for (const std::string_view usual : {"read committed", "serializable"}) {
        admin("ALTER ROLE sluice SET default_transaction_isolation = '" + std::string(usual) + "'");
        pool& db = open();
        for (const auto& [level, name] : levels)
            for (const bool read_only : {false, true}) {
                const auto said = shards.run([&] {
                    return transact(db, {.level = level, .read_only = read_only},
                                    [](transaction& t) -> task<result<std::string>> {
                                        auto first = co_await shown(t, show_level);
                                        auto second = co_await shown(t, show_read_only);
                                        if (!first || !second) co_return fail(errc::internal, "not shown");
                                        co_return *first + ", read only: " + *second;
                                    });
                });
                EXPECT_EQ(said ? *said : said.error().detail,
                          std::string(name) + ", read only: " + (read_only ? "on" : "off"));
            }
    }
    admin("ALTER ROLE sluice RESET default_transaction_isolation");
}

// Each clears its own row if it sees that the other's is set: only one may, and no row is written by both.
TEST_F(TransactionIsolation, runs_again_what_met_another_if_it_is_repeatable)
{
    for (const bool repeatable : {false, true}) {
        make_pairs("1");
        pool& db = open();
        int arrived = 0, runs = 0;
        const auto ended = all(2, [&](std::size_t i) {
            return transact(db, {.level = isolation::serializable, .repeatable = repeatable, .attempts_max = 50},
                            [&arrived, &runs, i](transaction& t) -> task<result<void>> {
                                ++runs;
                                auto read = co_await t.query(pairs_total);
                                if (!read) co_return fail(read.error());
                                auto both = co_await meet(arrived);
                                if (!both) co_return both;
                                if ((*read)[0].get<std::int64_t>(0) < 2) co_return {};
                                auto cleared = co_await t.query(clear_one, static_cast<std::int32_t>(i + 1));
                                if (!cleared) co_return fail(cleared.error());
                                co_return {};
                            });
        });
        expect_ended(ended, repeatable);
        EXPECT_EQ(sum(), "1");
        EXPECT_GE(met(db), 1u);
        if (repeatable)
            EXPECT_GT(runs, 2);
        else
            EXPECT_EQ(runs, 2);
    }
}

TEST_F(TransactionIsolation, survives_a_deadlock_if_it_is_repeatable)
{
    const std::string deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    for (const bool repeatable : {false, true}) {
        make_pairs("0");
        const std::string before = admin(deadlocks);
        pool& db = open();
        int arrived = 0, runs = 0;
        const auto ended = all(2, [&](std::size_t i) {
            return transact(db, {.repeatable = repeatable}, [&arrived, &runs, i](transaction& t) -> task<result<void>> {
                ++runs;
                const auto first = static_cast<std::int32_t>(i + 1);
                auto one = co_await t.query(touch_one, first);
                if (!one) co_return fail(one.error());
                auto both = co_await meet(arrived);
                if (!both) co_return both;
                auto other = co_await t.query(touch_one, 3 - first);
                if (!other) co_return fail(other.error());
                co_return {};
            });
        });
        expect_ended(ended, repeatable);
        EXPECT_EQ(sum(), repeatable ? "4" : "2");
        // Who runs again may overtake the one who was let go on, and meet it again.
        const auto victims = met(db);
        EXPECT_GE(victims, 1u);
        EXPECT_TRUE(repeatable || victims == 1);
        EXPECT_EQ(static_cast<std::uint64_t>(runs), 2 + (repeatable ? victims : 0));
        // The server counts it as what it was: 40P01.
        admin.await("SELECT (" + deadlocks + ") - " + before, std::to_string(victims));
    }
}

TEST_F(TransactionIsolation, runs_once_more_if_it_is_repeatable_when_somebody_else_cancels_it)
{
    static constexpr statement nap{"nap", "SELECT pg_sleep(60)", access::reads};
    struct
    {
        bool repeatable;
        int cancellations, runs;
        bool ends_well;
    } const rounds[] = {{false, 1, 1, false}, {true, 1, 2, true}, {true, 2, 2, false}};
    for (const auto& [repeatable, cancellations, wanted, ends_well] : rounds) {
        make_pairs("0");
        pool& db = open();
        int runs = 0;
        const auto body = [&runs, naps = cancellations](transaction& t) -> task<result<void>> {
            auto touched = co_await t.query(touch_one, 1);
            if (!touched) co_return fail(touched.error());
            if (++runs > naps) co_return {};
            auto slept = co_await t.query(nap);
            if (!slept) co_return fail(slept.error());
            co_return {};
        };
        auto ended = shards.start(0, [&, repeats = repeatable] { return transact(db, {.repeatable = repeats}, body); });
        std::string before = "never";
        for (int i = 0; i < wanted - (ends_well ? 1 : 0); ++i) {
            const std::string napping =
                test::back_ends + (" AND wait_event = 'PgSleep' AND query_start::text <> '" + before + "'");
            admin.await("SELECT count(*) " + napping, "1");
            before = admin("SELECT query_start " + napping);
            admin("SELECT pg_cancel_backend(pid) " + napping);
        }
        const auto how = ended.get();
        EXPECT_EQ(how.has_value(), ends_well);
        if (!how) EXPECT_EQ(how.error().code, errc::unavailable) << how.error().detail;
        EXPECT_EQ(runs, wanted);
        EXPECT_EQ(sum(), ends_well ? "1" : "0");
    }
}

} // namespace
} // namespace sluice::postgres

// What is acknowledged is durable, whatever becomes of the server's settings and whoever ends its waiting for a
// standby. Run by server.py.
#include "database.hpp"

#include <sluice/postgres/transaction.hpp>

#include <chrono>
#include <string>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::insert;

constexpr statement durability{"durability", "SELECT current_setting('synchronous_commit')", access::reads};
constexpr statement memory{"memory", "SELECT current_setting('work_mem')", access::reads};

class Durable : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        admin("CREATE TABLE numbers (n int8); GRANT ALL ON numbers TO sluice");
    }
    void TearDown() override
    {
        admin("ALTER SYSTEM RESET ALL");
        reload();
        admin("ALTER ROLE sluice RESET ALL");
    }
    void reload() { admin("SELECT pg_reload_conf()"); }
    std::string said(pool& db, const statement& what)
    {
        return shards.run([&db, &what]() -> task<std::string> {
            auto found = co_await db.query(what);
            co_return found ? (*found)[0].get<std::string>(0) : found.error().detail;
        });
    }
    pool& open_one(pool_options with)
    {
        with.connections_max = 1;
        pool& db = open(with);
        EXPECT_TRUE(shards.run([&] { return db.ping(); }));
        return db;
    }
    void lose_all_standbys()
    {
        admin("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        reload();
        admin.await("SHOW synchronous_standby_names", "nobody");
        // Commits wait as soon as the checkpointer knows, which is signalled last: before its second checkpoint.
        for (int i = 0; i < 2; ++i) admin("CHECKPOINT");
    }
    // Somebody else ends the waiting for a standby.
    void cancel_waiting()
    {
        const std::string waiting = std::string(test::back_ends) + " AND wait_event = 'SyncRep'";
        admin.await("SELECT count(*) " + waiting, "1");
        admin("SELECT pg_cancel_backend(pid) " + waiting);
    }
};

TEST_F(Durable, sessions_stay_so_when_the_server_reads_its_settings_again)
{
    for (const char* mine : {"on", "local"}) {
        admin(std::string("ALTER ROLE sluice SET synchronous_commit = ") + mine);
        if (std::string_view(mine) == "on") admin("ALTER ROLE sluice RESET synchronous_commit");
        pool& db = open_one(options());
        EXPECT_EQ(said(db, durability), mine);
        const std::string size = std::string(mine) == "on" ? "5MB" : "6MB";
        admin("ALTER SYSTEM SET synchronous_commit = off");
        admin("ALTER SYSTEM SET work_mem = '" + size + "'");
        reload();
        while (said(db, memory) != size) {
        }
        EXPECT_EQ(said(db, durability), mine);
    }
}

TEST_F(Durable, sessions_are_made_so_where_the_role_says_otherwise)
{
    admin("ALTER ROLE sluice SET synchronous_commit = off");
    EXPECT_EQ(said(open_one(options()), durability), "on");
}

TEST_F(Durable, writes_that_no_standby_has_are_not_called_done)
{
    admin("ALTER ROLE sluice SET client_min_messages = error"); // the server's word comes all the same
    pool& db = open_one(options());
    lose_all_standbys();
    auto alone = shards.start(0, [&] { return db.query(insert, std::int64_t{1}); });
    cancel_waiting();
    EXPECT_EQ(alone.get().error().code, errc::outcome_unknown);

    auto together = shards.start(0, [&db] {
        return transact(db, {}, [](transaction& t) -> task<result<void>> {
            auto made = co_await t.query(insert, std::int64_t{2});
            if (!made) co_return fail(made.error());
            co_return {};
        });
    });
    cancel_waiting();
    EXPECT_EQ(together.get().error().code, errc::outcome_unknown);
    EXPECT_EQ(admin("SELECT string_agg(n::text, ',' ORDER BY n) FROM numbers"), "1,2");
    EXPECT_TRUE(shards.run([&] { return db.ping(); }));
}

TEST_F(Durable, writes_are_not_called_done_whose_waiting_ends_with_that_of_others)
{
    pool_options hasty = options();
    hasty.statement_timeout = 100ms;
    pool& db = open_one(hasty);
    lose_all_standbys();
    for (int i = 0; i < 4; ++i) {
        const auto ends = all(10, [&db](std::size_t n) -> task<result<rows>> {
            (void)co_await sleep_for(n * 40ms); // so that one has time left when another has none
            co_return co_await db.query(insert, static_cast<std::int64_t>(n));
        });
        for (const auto& made : ends) EXPECT_FALSE(made);
    }
}

} // namespace
} // namespace sluice::postgres

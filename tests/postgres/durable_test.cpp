// What is acknowledged is durable, whatever becomes of the server's settings and whoever ends its waiting for a
// standby. Run by server.py.
#include "database.hpp"

#include <string>

namespace sluice::postgres {
namespace {

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

} // namespace
} // namespace sluice::postgres

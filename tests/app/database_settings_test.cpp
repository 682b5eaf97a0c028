// Settings of the database: which one the sources name, and what is kept secret.
#include "config_text.hpp"
#include "settings_fixture.hpp"

namespace sluice::app {
namespace {

using DatabaseSettings = settings_fixture;

TEST_F(DatabaseSettings, use_the_embedded_database_until_another_is_named)
{
    auto loaded = from_environment({"DATABASE_URL=", "DB_HOST=", "DB_PASSWORD=unused", "SLUICE_SQLITE_PATH=x.db"});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_FALSE(loaded->values.uses_postgres());
    loaded = from_environment({"DATABASE_URL=postgres://db/app", "SLUICE_SQLITE_PATH=x.db"});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.postgres_url(), "postgres://db/app");
}

TEST_F(DatabaseSettings, take_a_database_in_parts)
{
    const auto loaded = from_environment(
        {"DB_HOST=db", "DB_PORT=5433", "DB_NAME=shop", "DB_USER=app", "DB_PASSWORD=it's", "SLUICE_POSTGRES_NAME=own"});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.postgres_url(), R"(host='db' port='5433' dbname='own' user='app' password='it\'s')");
}

TEST_F(DatabaseSettings, let_the_database_of_the_stronger_source_win_whole)
{
    const auto url_of = [](std::vector<std::string> environment) {
        const auto loaded = load_settings({.config_file = "s.toml", .environment = std::move(environment)});
        return loaded ? loaded->values.postgres_url() : loaded.error();
    };
    std::ofstream("s.toml") << "database_url = 'postgres://file/file'\n";
    EXPECT_EQ(url_of({}), "postgres://file/file");
    EXPECT_EQ(url_of({"DB_HOST=db"}), "host='db' port='5432'");
    EXPECT_EQ(url_of({"DB_NAME=other"}), "postgres://file/file");
    EXPECT_EQ(url_of({"DB_HOST=db", "DATABASE_URL=postgres://url"}), "postgres://url");
    EXPECT_EQ(url_of({"DB_HOST=db", "SLUICE_DATABASE_URL=postgres://own"}), "postgres://own");
    EXPECT_EQ(url_of({"SLUICE_POSTGRES_HOST=own", "DATABASE_URL=postgres://url"}), "host='own' port='5432'");
    EXPECT_EQ(url_of({"SLUICE_POSTGRES_HOST=own", "DB_NAME=shop"}), "host='own' port='5432' dbname='shop'");

    std::ofstream("s.toml") << "[postgres]\nhost = 'file'\nname = 'shop'\nuser = 'app'\npassword = 'of the file'\n";
    EXPECT_EQ(url_of({"DB_PASSWORD=new"}), "host='file' port='5432' dbname='shop' user='app' password='new'");
    EXPECT_EQ(url_of({"DB_HOST=db", "DB_NAME=other"}), "host='db' port='5432' dbname='other'");
    const auto loaded = load_settings({.config_file = "s.toml", .environment = {"DB_HOST=db"}});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(origin_of(*loaded, "postgres.password").from, source::default_);
    EXPECT_EQ(loaded->values.postgres.at.password, "");
}

TEST_F(DatabaseSettings, refuse_a_database_that_cannot_be_without_quoting_it)
{
    for (const char* name : {"DATABASE_URL", "SLUICE_DATABASE_URL"}) {
        const problem what = problem_of_environment({std::string(name) + "=postgres://app:hunter2@db:port/shop"});
        expect_contains(what, {name, ": database_url must be a URL such as postgres://user:password@host:5432/name: ",
                               "a port is no number"});
        EXPECT_EQ(what.find("hunter2"), std::string::npos);
    }
    expect_contains(problem_of_environment({"DATABASE_URL=mysql://db/shop"}), {"does not begin with postgres://"});
    expect_contains(problem_of_file("database_url = 5432\n"),
                    {"s.toml:1: database_url must be a URL", "it is no text"});
    expect_contains(problem_of_environment({"DB_PORT=http"}), {"DB_PORT: postgres.port must be a whole number"});
    const problem refused = problem_of_file("postgres.password = [\"hunter2\"]\n");
    expect_contains(refused, {"s.toml:1: postgres.password must be a text"});
    EXPECT_EQ(refused.find("hunter2"), std::string::npos);
    expect_contains(problem_of_file("postgres.pooler = 'session'\n"),
                    {"s.toml:1: postgres.pooler must be none or transaction, not \"session\""});
}

TEST_F(DatabaseSettings, refuse_fewer_connections_than_shards_and_name_both)
{
    expect_contains(problem_of_file("postgres = { host = 'db', max_connections = 3 }\nshards = 4\n"),
                    {"s.toml:1: postgres.max_connections must be", "it is 3, and shards 4"});
    expect_contains(problem_of_environment({"DATABASE_URL=postgres://db", "SLUICE_SHARDS=21"}),
                    {"SLUICE_SHARDS: postgres.max_connections must be", "it is 20, and shards 21"});
    EXPECT_EQ(problem_of_environment({"SLUICE_POSTGRES_MAX_CONNECTIONS=3", "SLUICE_SHARDS=4"}), "(none)");
    EXPECT_EQ(
        problem_of_environment({"DATABASE_URL=postgres://db", "SLUICE_POSTGRES_MAX_CONNECTIONS=4", "SLUICE_SHARDS=4"}),
        "(none)");
}

TEST_F(DatabaseSettings, are_printed_without_their_passwords)
{
    const auto loaded = from_environment({"DATABASE_URL=postgres://app:hunter2@db/shop", "DB_PASSWORD=hunter2"});
    ASSERT_TRUE(loaded) << loaded.error();
    const std::string printed = config_text(*loaded);
    EXPECT_EQ(printed.find("hunter2"), std::string::npos) << printed;
    expect_contains(printed, {"\"postgres://app:********@db/shop\"", "= \"********\"", "# environment DB_PASSWORD"});
}

TEST_F(DatabaseSettings, name_a_redis_that_ours_beats_REDIS_URL_and_an_empty_one_is_none)
{
    EXPECT_EQ(from_environment({"REDIS_URL=redis://cache/1"})->values.redis.url, "redis://cache/1");
    EXPECT_EQ(from_environment({"REDIS_URL="})->values.redis.url, "");
    EXPECT_EQ(from_environment({"REDIS_URL=redis://a", "SLUICE_REDIS_URL=redis://b"})->values.redis.url, "redis://b");
    EXPECT_EQ(from_environment({"REDIS_URL=redis://a", "SLUICE_REDIS_URL="})->values.redis.url, "");
}

TEST_F(DatabaseSettings, refuse_a_redis_url_that_is_none_without_quoting_it_and_print_one_without_its_password)
{
    const problem what = problem_of_environment({"REDIS_URL=redis://app:hunter2@cache:http"});
    expect_contains(what, {"REDIS_URL: redis.url must be a URL such as redis://", "its port is no number"});
    EXPECT_EQ(what.find("hunter2"), std::string::npos);
    expect_contains(problem_of_file("redis.url = 6379\n"), {"s.toml:1: redis.url must be", "it is no text"});
    expect_contains(problem_of_file("redis.command_timeout = '0s'\n"), {"redis.command_timeout must be a duration"});

    const auto loaded = from_environment({"REDIS_URL=redis://app:hunter2@cache/1"});
    ASSERT_TRUE(loaded) << loaded.error();
    const std::string printed = config_text(*loaded);
    EXPECT_EQ(printed.find("hunter2"), std::string::npos) << printed;
    expect_contains(printed, {"\"redis://app:********@cache/1\"", "# environment REDIS_URL"});
}

} // namespace
} // namespace sluice::app

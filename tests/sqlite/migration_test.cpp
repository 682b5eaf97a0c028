#include "temporary_folder.hpp"

#include <sluice/sqlite/connection.hpp>
#include <sluice/sqlite/migration.hpp>

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluice::sqlite {
namespace {

constexpr migration first{.name = "first table", .sql = "CREATE TABLE a (x INTEGER);"};
constexpr migration second{.name = "second table", .sql = "CREATE TABLE b (x INTEGER); INSERT INTO b VALUES (2);"};
constexpr migration broken{.name = "broken", .sql = "CREATE TABLE c (x INTEGER); INSERT INTO nowhere VALUES (1);"};

int count_tables(const std::string& path)
{
    auto c = connection::open(path, access::read_only, std::chrono::seconds(1));
    if (!c) return -1;
    return **c->query_one("SELECT count(*) FROM sqlite_schema", [](const row& r) { return r.get<int>(0); });
}

TEST(Migration, makes_a_new_file_that_only_its_owner_can_read)
{
    test::temporary_folder folder;
    const std::string path = folder.file("new.db");
    const mode_t before = umask(0);
    auto found = migrate(path, std::vector{first, second});
    umask(before);
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_FALSE(found->exists);
    EXPECT_EQ(found->version, 0);
    EXPECT_EQ(found->newest, 2);
    EXPECT_EQ(count_tables(path), 2);
    struct stat status{};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST(Migration, runs_only_the_steps_that_are_missing)
{
    test::temporary_folder folder;
    const std::string path = folder.file("a.db");
    ASSERT_TRUE(migrate(path, std::vector{first}));
    auto found = migrate(path, std::vector{first, second});
    ASSERT_TRUE(found) << found.error().detail;
    EXPECT_TRUE(found->exists);
    EXPECT_EQ(found->version, 1);
    EXPECT_EQ(migrate(path, std::vector{first, second})->version, 2);
}

TEST(Migration, leaves_nothing_of_a_step_that_fails_and_keeps_those_before_it)
{
    test::temporary_folder folder;
    const std::string path = folder.file("a.db");
    auto failed = migrate(path, std::vector{first, broken});
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().detail.find("Schema step 2 (broken) failed"), std::string::npos);
    EXPECT_EQ(count_tables(path), 1);
    auto mended = migrate(path, std::vector{first, second});
    ASSERT_TRUE(mended);
    EXPECT_EQ(mended->version, 1);
}

TEST(Migration, refuses_a_file_that_is_newer_than_the_program)
{
    test::temporary_folder folder;
    const std::string path = folder.file("a.db");
    ASSERT_TRUE(migrate(path, std::vector{first, second}));
    auto refused = migrate(path, std::vector{first});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("version 2"), std::string::npos) << refused.error().detail;
    EXPECT_FALSE(inspect(path, std::vector{first}));
}

TEST(Migration, refuses_the_file_of_another_program)
{
    test::temporary_folder folder;
    const std::string path = folder.file("a.db");
    ASSERT_TRUE(migrate(path, {}));
    {
        auto c = connection::open(path, access::read_write, std::chrono::seconds(1));
        ASSERT_TRUE(c->run_script("CREATE TABLE theirs (x INTEGER)"));
    }
    auto refused = migrate(path, std::vector{first});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("another program"), std::string::npos);
    EXPECT_EQ(count_tables(path), 1);
}

TEST(Migration, refuses_what_is_no_database_and_says_so)
{
    test::temporary_folder folder;
    const std::string path = folder.file("a.db");
    std::ofstream(path) << std::string(4096, 'x');
    for (const auto& outcome : {migrate(path, std::vector{first}), inspect(path, std::vector{first})}) {
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().detail, "'" + path + "' is not an SQLite database: set sqlite.path to another file");
    }
}

TEST(Migration, names_the_folder_that_is_missing)
{
    test::temporary_folder folder;
    const std::string path = folder.file("missing/a.db");
    for (const auto& outcome : {migrate(path, std::vector{first}), inspect(path, std::vector{first})}) {
        ASSERT_FALSE(outcome);
        EXPECT_NE(outcome.error().detail.find("No such file or directory"), std::string::npos)
            << outcome.error().detail;
        EXPECT_NE(outcome.error().detail.find(path), std::string::npos);
    }
}

TEST(Migration, refuses_a_name_that_is_no_file)
{
    EXPECT_FALSE(migrate(":memory:", std::vector{first}));
    EXPECT_FALSE(migrate("", std::vector{first}));
}

TEST(Migration, runs_each_step_once_when_many_start_at_the_same_time)
{
    test::temporary_folder folder;
    const std::string path = folder.file("a.db");
    ASSERT_TRUE(migrate(path, {}));
    std::vector<std::thread> threads;
    std::vector<result<schema_state>> outcomes(4, fail(errc::internal));
    for (auto& outcome : outcomes) threads.emplace_back([&] { outcome = migrate(path, std::vector{first, second}); });
    for (auto& thread : threads) thread.join();
    for (const auto& outcome : outcomes) EXPECT_TRUE(outcome) << outcome.error().detail;
    auto c = connection::open(path, access::read_only, std::chrono::seconds(1));
    EXPECT_EQ(**c->query_one("SELECT count(*) FROM b", [](const row& r) { return r.get<int>(0); }), 1);
}

TEST(Migration, inspects_without_making_or_changing_anything)
{
    test::temporary_folder folder;
    const std::string path = folder.file("a.db");
    auto absent = inspect(path, std::vector{first});
    ASSERT_TRUE(absent);
    EXPECT_FALSE(absent->exists);
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
    ASSERT_TRUE(migrate(path, std::vector{first}));
    auto present = inspect(path, std::vector{first, second});
    ASSERT_TRUE(present) << present.error().detail;
    EXPECT_EQ(present->version, 1);
    EXPECT_EQ(present->newest, 2);
    EXPECT_EQ(count_tables(path), 1);
}

} // namespace
} // namespace sluice::sqlite

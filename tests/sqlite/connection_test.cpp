#include "temporary_folder.hpp"

#include <sluice/core/timestamp.hpp>
#include <sluice/sqlite/connection.hpp>
#include <sluice/sqlite/migration.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <vector>

namespace sluice::sqlite {
namespace {

constexpr auto busy = std::chrono::milliseconds(50);
constexpr migration things[] = {{.name = "things",
                                 .sql = "CREATE TABLE things (id BLOB, label TEXT UNIQUE, amount INTEGER CHECK "
                                        "(amount < 100), seen INTEGER) STRICT;"}};

class Connection : public testing::Test
{
protected:
    void SetUp() override
    {
        ASSERT_TRUE(migrate(path, things));
        auto opened = connection::open(path, access::read_write, busy);
        ASSERT_TRUE(opened) << opened.error().detail;
        db.emplace(std::move(*opened));
    }
    test::temporary_folder folder;
    std::string path = folder.file("a.db");
    std::optional<connection> db;
};

constexpr sql insert = "INSERT INTO things VALUES (?1, ?2, ?3, ?4)";

TEST_F(Connection, gives_back_every_type_that_it_binds)
{
    const timestamp now = wall_now();
    const uuid id = uuid::make_v7(now);
    const std::string label("nul \0 inside, and ü", 20);
    auto changed = db->execute(insert, id, label, std::optional<int>(7), now);
    ASSERT_TRUE(changed) << changed.error().detail;
    EXPECT_EQ(*changed, 1);

    auto found = db->query_one(
        "SELECT id, label, amount, seen, amount IS 7 FROM things WHERE id = ?1",
        [&](const row& r) {
            EXPECT_EQ(r.get<uuid>(0), id);
            EXPECT_EQ(r.get<pooled_string>(1), pooled_string(label));
            EXPECT_EQ(r.get<std::optional<std::int64_t>>(2), 7);
            EXPECT_EQ(r.get<timestamp>(3), now);
            EXPECT_TRUE(r.get<bool>(4));
            return true;
        },
        id);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->has_value());
}

TEST_F(Connection, keeps_null_and_the_empty_text_apart)
{
    ASSERT_TRUE(db->execute(insert, std::nullopt, std::string_view(), std::optional<int>(), std::nullopt));
    auto found = db->query_one("SELECT label IS NULL, label, amount FROM things", [](const row& r) {
        EXPECT_FALSE(r.get<bool>(0));
        EXPECT_EQ(r.get<std::optional<std::string>>(1), "");
        return r.get<std::optional<int>>(2);
    });
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(**found, std::nullopt);
}

TEST_F(Connection, finds_nothing_where_there_is_no_row)
{
    auto found = db->query_one("SELECT label FROM things", [](const row& r) { return r.get<std::string>(0); });
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->has_value());
}

TEST_F(Connection, calls_back_for_every_row)
{
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(db->execute(insert, std::nullopt, std::to_string(i), i, std::nullopt));
    std::vector<int> seen;
    ASSERT_TRUE(db->query(
        "SELECT amount FROM things WHERE amount > ?1 ORDER BY amount",
        [&](const row& r) { seen.push_back(r.get<int>(0)); }, 0));
    EXPECT_EQ(seen, (std::vector{1, 2}));
}

TEST_F(Connection, says_conflict_for_a_value_that_must_be_unique_and_goes_on)
{
    ASSERT_TRUE(db->execute(insert, std::nullopt, "a", 1, std::nullopt));
    auto second = db->execute(insert, std::nullopt, "a", 2, std::nullopt);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, errc::conflict);
    EXPECT_EQ(second.error().dependency, "sqlite");
    EXPECT_TRUE(db->execute(insert, std::nullopt, "b", 2, std::nullopt));
}

TEST_F(Connection, says_internal_for_a_broken_check_without_naming_it)
{
    auto broken = db->execute(insert, std::nullopt, "a", 100, std::nullopt);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, errc::internal);
    EXPECT_EQ(broken.error().detail.find("things"), std::string::npos);
}

TEST_F(Connection, says_unavailable_for_a_file_that_another_one_has_locked)
{
    auto other = connection::open(path, access::read_write, busy);
    ASSERT_TRUE(other);
    ASSERT_TRUE(other->run_script("BEGIN IMMEDIATE"));
    auto refused = db->execute(insert, std::nullopt, "a", 1, std::nullopt);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unavailable);
    EXPECT_EQ(refused.error().detail, "The database is locked by another process");
}

TEST_F(Connection, refuses_to_write_when_it_was_opened_for_reading)
{
    auto reader = connection::open(path, access::read_only, busy);
    ASSERT_TRUE(reader) << reader.error().detail;
    auto refused = reader->execute(insert, std::nullopt, "a", 1, std::nullopt);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().detail, "The database is read-only");
}

TEST_F(Connection, sees_what_another_connection_has_committed)
{
    auto reader = connection::open(path, access::read_only, busy);
    ASSERT_TRUE(reader);
    const auto count = [&] {
        return **reader->query_one("SELECT count(*) FROM things", [](const row& r) { return r.get<int>(0); });
    };
    EXPECT_EQ(count(), 0);
    ASSERT_TRUE(db->execute(insert, std::nullopt, "a", 1, std::nullopt));
    EXPECT_EQ(count(), 1);
}

TEST_F(Connection, reports_a_damaged_page)
{
    for (int i = 0; i < 99; ++i)
        ASSERT_TRUE(db->execute(insert, std::nullopt, std::string(500, 'x') + std::to_string(i), i, 0));
    db.reset();
    {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096);
        for (int i = 0; i < 8192; ++i) file.put('\x5a');
    }
    auto damaged = connection::open(path, access::read_only, busy);
    ASSERT_TRUE(damaged);
    auto read = damaged->query("SELECT label FROM things", [](const row&) {});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, errc::internal);
    EXPECT_EQ(read.error().detail, "The database is damaged");
}

} // namespace
} // namespace sluice::sqlite

// Values that a real PostgreSQL refuses: each is the client's error, and names its member. Run by server.py.
#include "database.hpp"

#include <cstdint>
#include <optional>
#include <random>
#include <string>

namespace sluice::postgres {
namespace {

using test::echo;

class RefusedValue : public test::Database
{};

// Those whom an error names.
std::string blamed_by(const result<rows>& kept)
{
    EXPECT_FALSE(kept);
    if (kept) return {};
    EXPECT_EQ(kept.error().code, errc::invalid) << kept.error().detail;
    std::string all;
    for (const violation& one : kept.error().violations) all += one.pointer;
    return all;
}

TEST_F(RefusedValue, names_the_member_whose_value_is_refused)
{
    pool& db = open();
    const auto refused =
        shards.run([&] { return db.query(echo, std::int64_t{1}, member("/name", std::string("a\xff"))); });
    ASSERT_EQ(refused.error().code, errc::invalid);
    ASSERT_EQ(refused.error().violations.size(), 1u);
    EXPECT_EQ(refused.error().violations[0].pointer, "/name");
    const auto nul =
        shards.run([&] { return db.query(echo, std::int64_t{1}, member("/name", std::string("a\0b", 3))); });
    ASSERT_EQ(nul.error().violations.size(), 1u);
}

TEST_F(RefusedValue, names_the_member_that_a_rule_of_the_table_refuses_where_that_can_be_known)
{
    admin("CREATE TABLE people (name varchar(3), age int4 CHECK (age >= 0), email text NOT NULL); "
          "GRANT ALL ON people TO sluice");
    static constexpr statement keep{"keep_person", "INSERT INTO people VALUES ($1, $2, $3)"};
    pool& db = open();
    using text = std::optional<std::string>;
    const auto blamed = [&](const text& name, std::optional<std::int64_t> age, const text& email) {
        return blamed_by(shards.run(
            [&] { return db.query(keep, member("/name", name), member("/age", age), member("/email", email)); }));
    };
    EXPECT_EQ(blamed("Ada", 1, std::nullopt), "/email");
    EXPECT_EQ(blamed("Ada", -1, "a@b"), "/age");
    EXPECT_EQ(blamed("Ada", 1LL << 40, "a@b"), "/age");  // the only number
    EXPECT_EQ(blamed("Adam", 1, std::nullopt), "/name"); // the only text
    EXPECT_EQ(blamed("Adam", 1, "a@b"), "/name");        // the only text of more than three characters
}

TEST_F(RefusedValue, names_every_text_that_is_longer_than_the_column_that_refused_one)
{
    admin("CREATE TABLE people (name varchar(3), town varchar(5)); GRANT ALL ON people TO sluice");
    static constexpr statement keep{"keep_person", "INSERT INTO people VALUES ($1, $2)"};
    pool& db = open();
    const auto blamed = [&](const std::string& name, const std::string& town) {
        return blamed_by(shards.run([&] { return db.query(keep, member("/name", name), member("/town", town)); }));
    };
    EXPECT_EQ(blamed("Adam", "Ulm"), "/name");
    EXPECT_EQ(blamed("Ada", "Berlin"), "/town");
    EXPECT_EQ(blamed("Adam", "Berlin"), "/name/town");
    EXPECT_EQ(blamed("日本語", "Berlin"), "/town");   // nine bytes, three characters
    EXPECT_EQ(blamed("Ada     ", "Berlin"), "/town"); // what is too many are spaces, which are cut off
    EXPECT_EQ(blamed("Adam", "Paris"), "/name/town"); // PostgreSQL does not say whose three characters it means
    EXPECT_EQ(admin("SELECT count(*) FROM people"), "0");
}

TEST_F(RefusedValue, names_every_number_that_does_not_fit_where_one_did_not)
{
    admin("CREATE TABLE sizes (a int4, b int2); GRANT ALL ON sizes TO sluice");
    static constexpr statement keep{"keep_size", "INSERT INTO sizes VALUES ($1, $2)"};
    static constexpr statement keep_narrow{"keep_narrow", keep.sql};
    pool& db = open();
    const auto blamed = [&](std::int64_t a, auto b) {
        const statement& s = sizeof b == sizeof(std::int64_t) ? keep : keep_narrow;
        return blamed_by(shards.run([&] { return db.query(s, member("/a", a), member("/b", b)); }));
    };
    EXPECT_EQ(blamed(1LL << 31, std::int64_t{-1}), "/a");
    EXPECT_EQ(blamed((-1LL << 31) - 1, 1LL << 20), "/a");
    EXPECT_EQ(blamed(1, 1LL << 15), "/b");
    EXPECT_EQ(blamed(1, std::int32_t{-(1 << 15) - 1}), "/b");
    EXPECT_EQ(blamed(1LL << 40, -1LL << 40), "/a/b");
}

TEST_F(RefusedValue, refuses_a_value_that_is_too_large_for_an_index)
{
    admin("CREATE TABLE texts (t text UNIQUE); GRANT ALL ON texts TO sluice");
    pool& db = open();
    static constexpr statement keep{"keep_text", "INSERT INTO texts VALUES ($1)"};
    std::string incompressible(10'000, ' ');
    std::minstd_rand chance(1);
    for (char& c : incompressible) c = static_cast<char>('!' + chance() % 90);
    const auto refused = shards.run([&] { return db.query(keep, member("/text", incompressible)); });
    ASSERT_EQ(refused.error().code, errc::invalid) << refused.error().detail;
    EXPECT_EQ(refused.error().violations.size(), 1u);
}

} // namespace
} // namespace sluice::postgres

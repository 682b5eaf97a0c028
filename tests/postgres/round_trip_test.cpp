// What is encoded here means the same to PostgreSQL, and comes back as it went. Run by server.py.
#include <sluice/postgres/parameters.hpp>
#include <sluice/postgres/rows.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <libpq-fe.h>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using std::chrono::sys_days;

class RoundTrip : public testing::Test
{
protected:
    void SetUp() override
    {
        const char* url = std::getenv("SLUICE_TEST_DATABASE_URL");
        ASSERT_NE(url, nullptr);
        connection_.reset(PQconnectdb(url));
        ASSERT_EQ(PQstatus(connection_.get()), CONNECTION_OK) << PQerrorMessage(connection_.get());
        PQclear(PQexec(connection_.get(), "SET timezone = 'Asia/Kolkata'"));
    }

    template <class... T> rows ask(const char* sql, const T&... values)
    {
        const parameters p = parameters::of(values...);
        return rows(
            PQexecParams(connection_.get(), sql, p.count(), p.types(), p.values(), p.lengths(), p.formats(), 1));
    }
    // The value as PostgreSQL writes it, and the value as it comes back.
    template <class T> void expect(const T& value, const char* type, std::string_view text)
    {
        const std::string sql = std::string("SELECT v::text, v FROM (SELECT $1::") + type + " AS v) AS given";
        const rows found = ask(sql.c_str(), value);
        ASSERT_EQ(found.size(), 1U) << sql << PQerrorMessage(connection_.get());
        EXPECT_EQ(found[0].get<std::string>(0), text);
        EXPECT_EQ(found[0].get<T>(1), value) << text;
    }
    // The class of SQLSTATE with which a value is refused.
    template <class T> std::string refused(const char* sql, const T& value)
    {
        const parameters p = parameters::of(value);
        const std::unique_ptr<PGresult, void (*)(PGresult*)> given(
            PQexecParams(connection_.get(), sql, p.count(), p.types(), p.values(), p.lengths(), p.formats(), 1),
            &PQclear);
        const char* state = PQresultErrorField(given.get(), PG_DIAG_SQLSTATE);
        return state == nullptr ? "" : std::string(state, 2);
    }

    struct close
    {
        void operator()(PGconn* c) const noexcept { PQfinish(c); }
    };
    std::unique_ptr<PGconn, close> connection_;
};

TEST_F(RoundTrip, of_numbers_and_truths)
{
    expect(true, "bool", "true");
    expect(std::numeric_limits<std::int16_t>::min(), "smallint", "-32768");
    expect(std::numeric_limits<std::int32_t>::max(), "int", "2147483647");
    expect(std::numeric_limits<std::int64_t>::min(), "bigint", "-9223372036854775808");
    expect(0.1F, "real", "0.1");
    expect(-1e300, "double precision", "-1e+300");
    expect(std::numeric_limits<double>::infinity(), "double precision", "Infinity");
}

TEST_F(RoundTrip, of_texts_bytes_and_documents)
{
    expect(std::string("Zo\xc3\xab \xF0\x9F\x8E\x89 'quoted' \\"), "text", "Zo\xc3\xab \xF0\x9F\x8E\x89 'quoted' \\");
    expect(std::string(), "text", "");
    expect(std::string("ab"), "varchar(2)", "ab");
    expect(std::string(100'000, 'x'), "text", std::string(100'000, 'x'));
    expect(bytea{"\0\x01\xff"sv}, "bytea", "\\x0001ff");
    expect(json_text{R"({"a": [1, null]})"}, "jsonb", R"({"a": [1, null]})");
    expect(uuid::parse("00112233-4455-6677-8899-aabbccddeeff").value(), "uuid", "00112233-4455-6677-8899-aabbccddeeff");
}

TEST_F(RoundTrip, of_times_whatever_the_zone_of_the_session)
{
    expect(timestamp(sys_days(2026y / 1 / 31)) + 12h + 1us, "timestamptz", "2026-01-31 17:30:00.000001+05:30");
    expect(timestamp(sys_days(1969y / 12 / 31)) + 23h, "timestamptz", "1970-01-01 04:30:00+05:30");
    expect(timestamp(sys_days(2000y / 1 / 1)), "timestamptz", "2000-01-01 05:30:00+05:30");
    expect(timestamp::max(), "timestamptz", "infinity");
    expect(timestamp::min(), "timestamptz", "-infinity");
    expect(date(2000y / 2 / 29), "date", "2000-02-29");
    expect(date(std::chrono::year(-43) / 3 / 15), "date", "0044-03-15 BC");
    expect(date::max(), "date", "infinity");
    expect(date::min(), "date", "-infinity");
}

TEST_F(RoundTrip, of_arrays)
{
    expect(std::vector<std::int64_t>{1, -2}, "bigint[]", "{1,-2}");
    expect(std::vector<std::int16_t>(), "smallint[]", "{}");
    expect(std::vector<std::optional<std::string>>{"a,b", std::nullopt, ""}, "text[]", R"({"a,b",NULL,""})");
    expect(std::vector<bool>{true, false}, "bool[]", "{t,f}");
    expect(std::vector<std::int16_t>{-32768, 7}, "smallint[]", "{-32768,7}");
    expect(std::vector<std::int32_t>{2147483647, -2}, "int[]", "{2147483647,-2}");
    expect(std::vector<float>{0.1F, -1.5F}, "real[]", "{0.1,-1.5}");
    expect(std::vector<double>{0.5}, "double precision[]", "{0.5}");
    expect(std::vector<bytea>{{"\0\x01\xff"sv}, {""sv}}, "bytea[]", R"({"\\x0001ff","\\x"})");
    expect(std::vector<std::optional<json_text>>{json_text{R"({"a": 1})"}, std::nullopt, json_text{"null"}}, "jsonb[]",
           R"({"{\"a\": 1}",NULL,"null"})");
    expect(std::vector<date>{date(2000y / 1 / 1), date::max()}, "date[]", "{2000-01-01,infinity}");
    expect(std::vector<uuid>{uuid()}, "uuid[]", "{00000000-0000-0000-0000-000000000000}");
    expect(std::vector<timestamp>{timestamp::min()}, "timestamptz[]", "{-infinity}");
    const rows nested = ask("SELECT ARRAY[[1,2],[3,4]]");
    EXPECT_EQ(nested[0].get<std::vector<std::int32_t>>(0), (std::vector<std::int32_t>{1, 2, 3, 4}));
    const rows documents = ask("SELECT $1::jsonb[]", std::vector<json_text>{{"1"}, {"{}"}});
    EXPECT_EQ(documents[0].get<std::vector<json_text>>(0), (std::vector<json_text>{{"1"}, {"{}"}}));
}

TEST_F(RoundTrip, of_null)
{
    expect(std::optional<std::int32_t>(7), "int", "7");
    const rows found = ask("SELECT $1::int, $2::text, $3::timestamptz[], NULL", std::optional<std::int32_t>(),
                           std::nullopt, std::optional<std::vector<timestamp>>());
    ASSERT_EQ(found.size(), 1U);
    for (int column = 0; column < 4; ++column) EXPECT_TRUE(found[0].is_null(column));
}

TEST_F(RoundTrip, reads_what_the_server_makes)
{
    const rows made = ask("SELECT 'mood'::name, 'c'::char(3), 1::int2, '[1]'::json, 7.5::real, array_agg(g) "
                          "FROM generate_series(1, 3) AS g");
    EXPECT_EQ(made[0].get<std::string_view>(0), "mood");
    EXPECT_EQ(made[0].get<std::string_view>(1), "c  ");
    EXPECT_EQ(made[0].get<std::int64_t>(2), 1);
    EXPECT_EQ(made[0].get<json_text>(3).text, "[1]");
    EXPECT_EQ(made[0].get<double>(4), 7.5);
    EXPECT_EQ(made[0].get<pooled_vector<std::int32_t>>(5), (pooled_vector<std::int32_t>{1, 2, 3}));
    (void)ask("CREATE TYPE pg_temp.mood AS ENUM ('glad', 'sad')");
    const rows mood = ask("SELECT $1::text::pg_temp.mood", "glad");
    EXPECT_EQ(mood[0].get<std::string_view>(0), "glad");
}

TEST_F(RoundTrip, says_how_many_rows_were_touched)
{
    (void)ask("CREATE TEMPORARY TABLE t (n int)");
    EXPECT_EQ(ask("INSERT INTO t SELECT generate_series(1, 5)").affected(), 5U);
    EXPECT_EQ(ask("UPDATE t SET n = 0 WHERE n > $1", std::int32_t{3}).affected(), 2U);
    EXPECT_EQ(ask("DELETE FROM t WHERE n = 77").affected(), 0U);
}

TEST_F(RoundTrip, of_what_is_out_of_range_ends_as_a_data_exception)
{
    EXPECT_EQ(refused("SELECT $1::timestamptz", timestamp::min() + 1us), "22");
    EXPECT_EQ(refused("SELECT $1::date", date::max() - std::chrono::days(1)), "22");
    EXPECT_EQ(refused("SELECT $1::date", date::min() + std::chrono::days(1)), "22");
    EXPECT_EQ(refused("SELECT $1::text", "\xff"), "22");
    EXPECT_EQ(refused("SELECT $1::jsonb", json_text{"{"}), "22");
    EXPECT_EQ(refused("SELECT $1::bigint::smallint", std::int64_t{70'000}), "22");
}

} // namespace
} // namespace sluice::postgres

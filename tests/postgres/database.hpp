// A pool on a shard of its own beside the test's PostgreSQL, and a plain connection to look over its shoulder.
#pragma once

#include "run.hpp"

#include <sluice/postgres/pool.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <libpq-fe.h>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace sluice::postgres::test {

inline std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

// What most tests ask: an echo, and a row more in a table `numbers (n int8)` that the test makes.
inline constexpr statement echo{"echo", "SELECT $1::int8, $2::text", access::reads};
inline constexpr statement insert{"insert", "INSERT INTO numbers VALUES ($1)"};
inline constexpr statement insert_returning{"insert_returning", "INSERT INTO numbers VALUES ($1) RETURNING n"};

// A session of the superuser, in which the test speaks SQL by itself.
class session
{
public:
    session() : connection_(PQconnectdb(environment("SLUICE_TEST_ADMIN_URL").c_str()), &PQfinish)
    {
        EXPECT_EQ(PQstatus(connection_.get()), CONNECTION_OK) << PQerrorMessage(connection_.get());
    }
    // The first value of what a statement gives; empty where there is none.
    std::string operator()(const std::string& sql)
    {
        const std::unique_ptr<PGresult, void (*)(PGresult*)> given(PQexec(connection_.get(), sql.c_str()), &PQclear);
        EXPECT_NE(PQresultStatus(given.get()), PGRES_FATAL_ERROR) << sql << ": " << PQresultErrorMessage(given.get());
        return PQntuples(given.get()) == 0 ? "" : PQgetvalue(given.get(), 0, 0);
    }
    // Until what it gives is `wanted`.
    void await(const std::string& sql, const std::string& wanted)
    {
        for (int i = 0; i < 6000; ++i) {
            if ((*this)(sql) == wanted) return;
            (*this)("SELECT pg_sleep(0.005)");
        }
        ADD_FAILURE() << sql << " never gave " << wanted;
    }

private:
    std::unique_ptr<PGconn, void (*)(PGconn*)> connection_;
};

template <class Make, class T> task<void> deliver(Make make, std::promise<T> told) { told.set_value(co_await make()); }

// Starts make() in this turn of the shard whose thread this is. The future gets its value.
template <class Make> auto begin(Make make, context* during = nullptr)
{
    using value = typename std::invoke_result_t<Make&>::value_type;
    std::promise<value> told;
    auto given = told.get_future();
    shard::current().background().spawn(deliver(std::move(make), std::move(told)), during);
    return given;
}

class Database : public testing::Test
{
protected:
    void SetUp() override
    {
        admin("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO sluice");
    }

    pool_options options() const { return {.url = environment("SLUICE_TEST_DATABASE_URL"), .connections_max = 4}; }
    pool& open(pool_options o)
    {
        return *shards.run([this, o]() -> task<pool*> {
            shard& here = shard::current();
            co_return &here.own<pool>(here, blocking, o);
        });
    }
    pool& open() { return open(options()); }

    // `count` tasks at once, each make(i); their values in that order.
    template <class Make> auto all(std::size_t count, Make make)
    {
        using value = typename std::invoke_result_t<Make&, std::size_t>::value_type;
        std::vector<std::future<value>> waiting;
        for (std::size_t i = 0; i < count; ++i) waiting.push_back(shards.start(0, [make, i] { return make(i); }));
        std::vector<value> values;
        for (auto& one : waiting) values.push_back(one.get());
        return values;
    }
    template <class F> auto on_shard(F f)
    {
        return shards.run([f]() -> task<std::invoke_result_t<F>> { co_return f(); });
    }

    session admin;
    offload_pool blocking{{.threads = 2}};
    sluice::test::shard_runner shards;
};

// Tests of other sessions than their own.
inline constexpr const char* back_ends = "FROM pg_stat_activity WHERE application_name = 'sluice'";

} // namespace sluice::postgres::test

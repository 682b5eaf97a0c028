// Whose a statement is: in the request's spans, and as far as the server can be told. Run by server.py.
#include "database.hpp"

#include <sluice/core/span.hpp>
#include <sluice/postgres/transaction.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using test::insert;

class Tracing : public test::Database
{
protected:
    void SetUp() override
    {
        Database::SetUp();
        admin("CREATE TABLE numbers (n int8 PRIMARY KEY); GRANT ALL ON numbers TO sluice");
    }
    // By the server, which writes it before it answers.
    static std::string logged()
    {
        std::ifstream file(test::environment("SLUICE_TEST_POSTGRES_DATA") + "/../log");
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

std::multiset<std::string_view> names_of(const span_log& spans)
{
    std::multiset<std::string_view> names;
    for (const span_record& one : spans.all()) names.insert(one.name);
    return names;
}

task<result<void>> insert_each(transaction& t, std::vector<std::int64_t> numbers)
{
    for (const std::int64_t n : numbers)
        if (auto made = co_await t.query(insert, n); !made) co_return fail(made.error());
    co_return {};
}

TEST_F(Tracing, gives_each_statement_a_span_in_the_request_that_asks)
{
    pool& db = open();
    span_log spans;
    context request{.trace = trace_context::start(), .spans = &spans};
    auto ended = shards.start(
        0, [&] { return transact(db, {}, [](transaction& t) { return insert_each(t, {1, 2, 1}); }); }, &request);
    EXPECT_FALSE(ended.get());
    std::vector<std::string_view> failed;
    for (const span_record& one : spans.all()) {
        EXPECT_NE(one.end, never) << one.name;
        if (one.failed) failed.push_back(one.name);
    }
    EXPECT_EQ(names_of(spans), (std::multiset<std::string_view>{"BEGIN", "ROLLBACK", "insert", "insert", "insert"}));
    EXPECT_EQ(failed, std::vector<std::string_view>{"insert"});
}

TEST_F(Tracing, names_what_holds_a_transaction_together_by_its_verb)
{
    pool& db = open();
    span_log spans;
    context request{.trace = trace_context::start(), .spans = &spans};
    const auto within = [](transaction& t) -> task<result<void>> {
        auto made = co_await t.savepoint("here");
        if (made) made = co_await insert_each(t, {1});
        if (made) made = co_await t.rollback_to("here");
        if (made) made = co_await t.release("here");
        co_return made;
    };
    EXPECT_TRUE(shards.start(0, [&] { return transact(db, {}, within); }, &request).get());
    EXPECT_EQ(names_of(spans),
              (std::multiset<std::string_view>{"BEGIN", "COMMIT", "RELEASE", "ROLLBACK", "SAVEPOINT", "insert"}));
    for (const span_record& one : spans.all()) EXPECT_NE(one.end, never) << one.name;
}

TEST_F(Tracing, tells_the_server_whose_it_is_for_its_log_and_while_it_waits)
{
    admin("ALTER ROLE sluice SET log_statement = 'all'");
    pool& db = open();
    context request{.trace = trace_context::start()};
    request.trace.sampled = true;
    char parent[traceparent_size];
    request.trace.write_traceparent(parent);
    const std::string told = "; /*traceparent='" + std::string(parent, sizeof parent) + "'*/";
    std::atomic<bool> may_end = false;
    const auto wait_inside = [&](transaction& t) -> task<result<void>> {
        auto made = co_await insert_each(t, {1});
        if (made) made = co_await t.savepoint("here");
        while (made && !may_end) (void)co_await sleep_for(1ms);
        co_return made;
    };
    auto ended = shards.start(0, [&] { return transact(db, {}, wait_inside); }, &request);
    admin.await(std::string("SELECT query ") + test::back_ends + " AND state = 'idle in transaction'",
                "SAVEPOINT \"here\"" + told);
    may_end = true;
    EXPECT_TRUE(ended.get());
    admin("ALTER ROLE sluice RESET log_statement");
    const std::string log = logged();
    EXPECT_TRUE(log.contains(": BEGIN ISOLATION LEVEL READ COMMITTED" + told + "\n"));
    EXPECT_TRUE(log.contains(": INSERT INTO numbers VALUES ($1)\n"));
    EXPECT_TRUE(log.contains(": COMMIT" + told + "\n"));
}

TEST_F(Tracing, of_no_request_tells_nothing)
{
    pool& db = open();
    static constexpr statement own_text{"", "SELECT current_query()", access::reads};
    const auto asked = shards.run([&]() -> task<std::string> {
        auto got = co_await db.query(own_text);
        co_return got ? (*got)[0].get<std::string>(0) : got.error().detail;
    });
    EXPECT_EQ(asked, own_text.sql);
}

} // namespace
} // namespace sluice::postgres

// A server in recovery, which begins no serializable transaction that may write: what becomes of one whose BEGIN fails.
// Run by server.py --standby.
#include "database.hpp"

#include <sluice/postgres/transaction.hpp>

namespace sluice::postgres {
namespace {

class Standby : public test::Database
{
protected:
    void SetUp() override {} // there is nothing to make

    static task<result<std::int32_t>> seven(pool& db, transaction_options how)
    {
        return transact(db, how, [](transaction& t) -> task<result<std::int32_t>> {
            static constexpr statement seven{"seven", "SELECT 7", access::reads};
            auto found = co_await t.query(seven);
            if (!found) co_return fail(found.error());
            co_return (*found)[0].get<std::int32_t>(0);
        });
    }
};

TEST_F(Standby, runs_no_statement_of_a_transaction_that_did_not_begin)
{
    pool_options one = options();
    one.connections_max = 1;
    pool& db = open(one);
    for (int i = 0; i < 5; ++i) {
        const auto begun = shards.run([&] { return seven(db, {.level = isolation::serializable}); });
        EXPECT_EQ(begun ? errc::internal : begun.error().code, errc::unavailable);
        for (const bool read_only : {true, false}) {
            const auto reads = shards.run([&] { return seven(db, {.read_only = read_only}); });
            EXPECT_TRUE(reads) << reads.error().detail;
            EXPECT_EQ(reads.value_or(0), 7);
        }
    }
}

} // namespace
} // namespace sluice::postgres

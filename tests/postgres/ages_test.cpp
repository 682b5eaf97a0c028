// How old connections become, beside a real PostgreSQL. Run by server.py.
#include "database.hpp"
#include "postgres/connection.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;

class Ages : public test::Database
{};

// Whoever hears of a connection that nothing is asked of.
struct nobody final : connection_owner
{
    void returned(query_run&, pipeline::verdict) override {}
    void failed(std::string_view) override {}
    void has_room(connection&) override {}
    void stalled(connection&) override {}
    void moves_again(const statement*) override {}
    void ran_alone(const statement&) override {}
    void moved() override {}
    void takes_changes(bool, bool) override {}
    bool cancel(const back_end&) override { return false; }
    void cancelled(connection&) override {}
    void ended(connection&, std::string) override {}
};

TEST_F(Ages, of_two_connections_differ)
{
    constexpr duration most = 30min;
    const connect_request wanted = {.url = options().url, .timeout = 60s};
    auto one = connect_pipelined(wanted, true);
    auto other = connect_pipelined(wanted, true);
    ASSERT_TRUE(one && other);
    const auto [first, second] = on_shard([&] {
        nobody owner;
        shard& here = shard::current();
        connection a(here, std::move(one->handle), owner, {.age_max = most});
        connection b(here, std::move(other->handle), owner, {.age_max = most});
        a.give_up({});
        b.give_up({});
        return std::pair(a.renew_at() - a.made_at(), b.renew_at() - b.made_at());
    });
    EXPECT_NE(first, second);
    for (const duration age : {first, second}) {
        EXPECT_GE(age, most - most / 10);
        EXPECT_LT(age, most);
    }
}

} // namespace
} // namespace sluice::postgres

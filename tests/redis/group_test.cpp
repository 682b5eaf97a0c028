// Clients on two shards beside one Redis that falls silent: what one of them has waited for in vain, the other does not
// wait for. Run by server.py.
#include "greeting_server.hpp"
#include "redis.hpp"

#include <future>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;

class Group : public test::Redis
{
protected:
    void TearDown() override { test::order("thaw"); }

    client& open_on(unsigned on, client_options o) { return open_in(group, on, o); }
    client& open_in(client_group& of, unsigned on, client_options o)
    {
        o.group = &of;
        return *two.start(on,
                          [this, o]() -> task<client*> {
                              shard& here = shard::current();
                              co_return &here.own<client>(here, blocking, o);
                          })
                    .get();
    }
    client_counters counters_on(unsigned on, client& of)
    {
        return two.start(on, [&of]() -> task<client_counters> { co_return of.counters(); }).get();
    }
    template <class F> void await_on(unsigned on, client& of, F f)
    {
        for (int i = 0; i < 12000; ++i) {
            if (f(counters_on(on, of))) return;
            std::this_thread::sleep_for(5ms);
        }
        ADD_FAILURE() << "waited a minute in vain";
    }
    static bool well(const client_counters& c) { return c.connected && !c.away; }

    client_group group{2};
    sluice::test::shard_runner two{2};
};

TEST_F(Group, ends_what_waits_on_another_shard_and_refuses_what_comes)
{
    client_options lasting = options();
    lasting.command_timeout = 1h;
    client& patient = open_on(1, lasting);
    client& impatient = open_on(0, hasty());
    await_on(0, impatient, well);
    await_on(1, patient, well);

    test::order("freeze");
    auto waits = two.start(1, [&] { return patient.get("key"); });
    await_on(1, patient, [](const client_counters& c) { return c.in_flight == 1; });
    EXPECT_FALSE(two.start(0, [&] { return impatient.get("key"); }).get());
    ASSERT_EQ(waits.wait_for(60s), std::future_status::ready) << "it has an hour";
    EXPECT_EQ(waits.get().error().code, errc::unavailable);
    EXPECT_EQ(two.start(1, [&] { return patient.get("key"); }).get().error().code, errc::unavailable);
    EXPECT_TRUE(counters_on(1, patient).away);
    EXPECT_EQ(counters_on(1, patient).timeouts, 0u);

    test::order("thaw");
    await_on(0, impatient, well);
    await_on(1, patient, well);
    EXPECT_TRUE(two.start(1, [&] { return patient.get("key"); }).get());
}

TEST_F(Group, leaves_a_connection_alone_that_hears_of_the_server)
{
    const test::greeting_server silent(test::greeting_server::then::is_silent);
    client_options cut_off = options();
    cut_off.where = {.host = "127.0.0.1", .port = silent.port};
    cut_off.command_timeout = 2s; // of which the other must not hear nothing for the half
    client& served = open_on(1, options());
    client& alone = open_on(0, cut_off);
    await_on(1, served, well);
    await_on(0, alone, well);
    auto fails = two.start(0, [&] { return alone.get("key"); });
    while (fails.wait_for(10ms) != std::future_status::ready)
        EXPECT_TRUE(two.start(1, [&] { return served.ping(); }).get());
    EXPECT_FALSE(fails.get());
    EXPECT_TRUE(two.start(1, [&] { return served.ping(); }).get());
    EXPECT_EQ(counters_on(1, served).losses, 0u);
}

using GroupDeathTest = Group;

TEST_F(GroupDeathTest, knows_how_many_shards_there_are)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    for (const unsigned said : {1U, 3U}) {
        client_group other(said);
        EXPECT_DEATH(open_in(other, 0, options()), "connections_.size\\(\\) == on.count\\(\\)") << said;
    }
}

} // namespace
} // namespace sluice::redis

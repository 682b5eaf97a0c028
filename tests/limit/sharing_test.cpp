// Whose counts are one and the same in Redis: those of policies with the same name and windows, and of no others. Run
// by server.py.
#include "redis.hpp"

#include <sluice/limit/limiter.hpp>

#include <vector>

namespace sluice::limit {
namespace {

using namespace std::chrono_literals;

class Sharing : public redis::test::Redis
{
protected:
    // Of a process of its own, or of a route group: they share nothing but Redis.
    limiter& open_limiter(std::vector<quota> quotas)
    {
        const redis::client_options with = options();
        rate_limit& all = *limits.emplace_back(std::make_unique<rate_limit>(
            policy{.quotas = std::move(quotas)}, rate_limit_options{.redis_patience = with.command_timeout}));
        redis::client& client = open(with);
        await_connected(client);
        return *shards.run([&all, &client]() -> task<limiter*> {
            co_return &shard::current().own<limiter>(shard::current(), all, &client);
        });
    }
    bool passes(limiter& by)
    {
        const auto decide = [this, &by] { return by.decide(somebody); };
        return shards.run(decide).is == outcome::passes;
    }
    // How many of ten requests each pass, taken in turns.
    std::pair<int, int> pass_in_turns(limiter& one, limiter& other)
    {
        std::pair<int, int> passed;
        for (int i = 0; i < 10; ++i) {
            passed.first += passes(one) ? 1 : 0;
            passed.second += passes(other) ? 1 : 0;
        }
        return passed;
    }

    std::vector<std::unique_ptr<rate_limit>> limits;
    const client_key somebody = client_key::of_text("somebody");
};

TEST_F(Sharing, is_not_for_processes_with_other_windows_each_of_which_refuses_at_its_own_limit)
{
    limiter& before = open_limiter({{.requests = 5, .window = 3600s}});
    limiter& after = open_limiter({{.requests = 7, .window = 3601s}});
    EXPECT_EQ(pass_in_turns(before, after), std::pair(5, 7));
}

TEST_F(Sharing, is_not_for_route_groups_of_one_name_that_have_a_window_in_common)
{
    limiter& search = open_limiter({{.requests = 3, .window = 1h}});
    limiter& rest = open_limiter({{.requests = 100, .window = 1h}, {.requests = 6, .window = 2h}});
    EXPECT_EQ(pass_in_turns(search, rest), std::pair(3, 6));
}

TEST_F(Sharing, is_for_processes_with_the_same_windows_in_any_order_whatever_their_limits)
{
    limiter& before = open_limiter({{.requests = 5, .window = 1h}, {.requests = 100, .window = 2h}});
    limiter& after = open_limiter({{.requests = 90, .window = 2h}, {.requests = 4, .window = 1h}});
    EXPECT_EQ(pass_in_turns(before, after), std::pair(3, 2)) << "the fifth has the higher limit";
}

} // namespace
} // namespace sluice::limit

// Settings of the rate limit, and whose word about clients counts.
#include "config_text.hpp"
#include "settings_fixture.hpp"

namespace sluice::app {
namespace {

using namespace std::chrono_literals;
using LimitSettings = settings_fixture;

TEST_F(LimitSettings, limit_nobody_until_they_say_so)
{
    const auto loaded = from_file("");
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_FALSE(loaded->values.rate_limit.on());
    EXPECT_TRUE(loaded->values.trusted_proxies.empty());
}

TEST_F(LimitSettings, make_a_policy)
{
    const auto loaded = from_file("trusted_proxies = ['10.0.0.0/8', '::1']\n[rate_limit]\nrequests = 100\n"
                                  "window = '10s'\nkey = 'header:X-Api-Key'\non_redis_failure = 'closed'\n");
    ASSERT_TRUE(loaded) << loaded.error();
    const rate_limit_settings& limited = loaded->values.rate_limit;
    EXPECT_TRUE(limited.on());
    EXPECT_EQ(limited.header, "X-Api-Key");
    EXPECT_EQ(limited.policy(), (limit::policy{.quotas = {{.requests = 100, .window = 10s}},
                                               .without_redis = limit::on_failure::closed}));
    EXPECT_TRUE(limit::check(limited.policy()));
    expect_contains(config_text(*loaded), {R"(["10.0.0.0/8", "::1"])", R"("header:X-Api-Key")", R"("closed")"});
}

TEST_F(LimitSettings, come_from_the_environment_too)
{
    const auto loaded = from_environment(
        {"SLUICE_RATE_LIMIT_REQUESTS=5", "SLUICE_RATE_LIMIT_KEY=ip", "SLUICE_TRUSTED_PROXIES=10.0.0.1,2001:db8::/32"});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.rate_limit.requests, 5u);
    EXPECT_EQ(loaded->values.trusted_proxies, (std::vector<std::string>{"10.0.0.1", "2001:db8::/32"}));
    EXPECT_TRUE(from_environment({"SLUICE_TRUSTED_PROXIES="})->values.trusted_proxies.empty());
}

TEST_F(LimitSettings, refuse_what_cannot_be)
{
    expect_contains(problem_of_file("[rate_limit]\nkey = 'header:'\n"),
                    {"s.toml:2", "rate_limit.key", "ip or header:NAME"});
    expect_contains(problem_of_file("[rate_limit]\nkey = 'header:X Y'\n"), {"rate_limit.key"});
    expect_contains(problem_of_file("[rate_limit]\nkey = 'user'\n"), {"rate_limit.key"});
    expect_contains(problem_of_file("[rate_limit]\nrequests = -1\n"), {"rate_limit.requests"});
    expect_contains(problem_of_file("[rate_limit]\nwindow = '0s'\n"), {"rate_limit.window", "10ms"});
    expect_contains(problem_of_file("[rate_limit]\non_redis_failure = 'maybe'\n"), {"local, open or closed"});
    expect_contains(problem_of_file("trusted_proxies = ['10.0.0.0/33']\n"), {"trusted_proxies", "10.0.0.0/8"});
    expect_contains(problem_of_file("trusted_proxies = 7\n"), {"trusted_proxies"});
    expect_contains(problem_of_environment({"SLUICE_TRUSTED_PROXIES=proxy.example"}), {"SLUICE_TRUSTED_PROXIES"});
}

} // namespace
} // namespace sluice::app

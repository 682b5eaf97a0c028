#include "settings_fixture.hpp"

namespace sluice::app {
namespace {

using LogSettings = settings_fixture;
using words = std::vector<std::string>;

TEST_F(LogSettings, have_their_defaults)
{
    const auto loaded = load_settings({});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.server.access_log.ratio, 1);
    EXPECT_EQ(loaded->values.server.access_log.slow, std::chrono::milliseconds(500));
    EXPECT_EQ(loaded->values.redact, secret_words());
    EXPECT_EQ(loaded->values.journal_socket, "/run/systemd/journal/socket");
}

TEST_F(LogSettings, come_from_a_file)
{
    const auto loaded =
        from_file("[log]\naccess_ratio = 0.25\nslow = \"2s\"\nredact = ['e-mail', 'token']\njournal = ''\n");
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.server.access_log.ratio, 0.25);
    EXPECT_EQ(loaded->values.server.access_log.slow, std::chrono::seconds(2));
    EXPECT_EQ(loaded->values.redact, (words{"e-mail", "token"}));
    EXPECT_EQ(loaded->values.journal_socket, "");
    EXPECT_EQ(from_file("log.redact = []\n")->values.redact, words());
    EXPECT_EQ(from_file("log.access_ratio = 1\n")->values.server.access_log.ratio, 1);
}

TEST_F(LogSettings, come_from_the_environment)
{
    const auto loaded = load_settings(
        {.environment = {"SLUICE_LOG_ACCESS_RATIO=0.5", "SLUICE_LOG_REDACT=mail,token", "SLUICE_LOG_SLOW=0"}});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.server.access_log.ratio, 0.5);
    EXPECT_EQ(loaded->values.redact, (words{"mail", "token"}));
    EXPECT_EQ(loaded->values.server.access_log.slow, duration::zero());
}

TEST_F(LogSettings, that_make_no_sense_are_problems)
{
    for (const char* ratio : {"1.5", "-0.1", "nan", "inf", "'0.5'", "true"})
        expect_contains(problem_of_file("log.access_ratio = " + std::string(ratio) + "\n"),
                        {"s.toml:1: log.access_ratio must be a number from 0 to 1"});
    expect_contains(problem_of_file("log.redact = ['x']\n"), {"log.redact must be a word of at least two letters"});
    expect_contains(problem_of_file("log.redact = 7\n"), {"log.redact must be"});
    expect_contains(problem_of_file("shards = 2.0\n"), {"shards must be a whole number"});
}

} // namespace
} // namespace sluice::app

// Where traces go, and how many.
#include "config_text.hpp"
#include "settings_fixture.hpp"

namespace sluice::app {
namespace {

class TelemetrySettings : public settings_fixture
{};

TEST_F(TelemetrySettings, name_a_collector_or_none)
{
    EXPECT_EQ(from_environment({})->values.telemetry.otlp_url, "");
    EXPECT_EQ(from_file("[telemetry]\notlp_url = 'http://collector:4318'\n")->values.telemetry.otlp_url,
              "http://collector:4318");
    EXPECT_EQ(from_environment({"SLUICE_TELEMETRY_OTLP_URL=http://unix:/run/otlp.sock:/v1/traces"})
                  ->values.telemetry.otlp_url,
              "http://unix:/run/otlp.sock:/v1/traces");
    for (const std::string url : {"https://collector:4318", "collector:4318", "http://", "http://a b/"})
        expect_contains(problem_of_file("telemetry.otlp_url = '" + url + "'\n"),
                        {"s.toml:1: telemetry.otlp_url must be a URL that begins with http://"});
}

TEST_F(TelemetrySettings, refuse_a_collector_without_quoting_its_URL_and_print_one_without_its_query)
{
    for (const std::string url : {"http://user:hunter2@collector:4318", "https://collector/?key=hunter2"}) {
        const problem what = problem_of_environment({"SLUICE_TELEMETRY_OTLP_URL=" + url});
        expect_contains(what, {"SLUICE_TELEMETRY_OTLP_URL: telemetry.otlp_url must be a URL", ": A URL "});
        EXPECT_EQ(what.find("hunter2"), std::string::npos) << what;
        EXPECT_EQ(problem_of_file("telemetry.otlp_url = '" + url + "'\n").find("hunter2"), std::string::npos);
    }
    expect_contains(problem_of_file("telemetry.otlp_url = 4318\n"),
                    {"s.toml:1: telemetry.otlp_url must be a URL", "it is no text"});

    for (const std::string place :
         {"http://collector:4318", "http://collector/v1/traces", "http://unix:/o.sock:/own"}) {
        const auto plain = from_environment({"SLUICE_TELEMETRY_OTLP_URL=" + place});
        ASSERT_TRUE(plain) << plain.error();
        expect_contains(config_text(*plain), {"\"" + place + "\" "});
        const auto loaded = from_environment({"SLUICE_TELEMETRY_OTLP_URL=" + place + "?api_key=hunter2"});
        ASSERT_TRUE(loaded) << loaded.error();
        const std::string printed = config_text(*loaded);
        EXPECT_EQ(printed.find("hunter2"), std::string::npos) << printed;
        expect_contains(printed, {"\"" + place + "?********\""});
    }
}

TEST_F(TelemetrySettings, have_a_ratio_from_nothing_to_all)
{
    EXPECT_EQ(from_environment({})->values.telemetry.sample_ratio, 0.01);
    EXPECT_EQ(from_file("telemetry.sample_ratio = 0.25\n")->values.telemetry.sample_ratio, 0.25);
    EXPECT_EQ(from_file("telemetry.sample_ratio = 1\n")->values.telemetry.sample_ratio, 1.0);
    EXPECT_EQ(from_environment({"SLUICE_TELEMETRY_SAMPLE_RATIO=1e-4"})->values.telemetry.sample_ratio, 1e-4);
    EXPECT_EQ(from_environment({"SLUICE_TELEMETRY_SAMPLE_RATIO=0"})->values.telemetry.sample_ratio, 0.0);
    for (const std::string value : {"-0.1", "1.1", "nan", "inf", "'0.5'", "true", "2"})
        expect_contains(problem_of_file("telemetry.sample_ratio = " + value + "\n"),
                        {"telemetry.sample_ratio must be a number from 0 to 1"});
    for (const std::string value : {"", "x", "0.5x", "1 %", "nan"})
        expect_contains(problem_of_environment({"SLUICE_TELEMETRY_SAMPLE_RATIO=" + value}),
                        {"telemetry.sample_ratio must be a number from 0 to 1"});
}

TEST_F(TelemetrySettings, are_printed_so_that_a_file_can_hold_them)
{
    const auto loaded = from_environment({"SLUICE_TELEMETRY_SAMPLE_RATIO=0.5"});
    ASSERT_TRUE(loaded) << loaded.error();
    const std::string printed = config_text(*loaded);
    EXPECT_EQ(from_file(printed)->values.telemetry.sample_ratio, 0.5);
}

} // namespace
} // namespace sluice::app

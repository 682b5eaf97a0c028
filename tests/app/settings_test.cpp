// Settings: every source, which one wins, and what is said about each mistake.
#include "config_text.hpp"
#include "settings_fixture.hpp"

#include <set>
#include <sstream>

namespace sluice::app {
namespace {

using Settings = settings_fixture;

TEST_F(Settings, refuse_a_first_tier_that_a_shard_could_not_use)
{
    expect_contains(
        problem_of_file("shards = 2\ncache = { l1_bytes = '31KiB' }\n"),
        {"s.toml:2: cache.l1_bytes must be 0, or from 16 KiB to 32 GiB for each of the 2 shards: it is 31744"});
    expect_contains(problem_of_environment({"SLUICE_CACHE_L1_BYTES=65GiB", "SLUICE_SHARDS=2"}),
                    {"SLUICE_CACHE_L1_BYTES: cache.l1_bytes must be 0, or from"});
    for (const char* good : {"0", "32KiB", "64GiB"})
        EXPECT_EQ(problem_of_environment({std::string("SLUICE_CACHE_L1_BYTES=") + good, "SLUICE_SHARDS=2"}), "(none)");
}

TEST_F(Settings, have_the_defaults_that_users_were_promised)
{
    using namespace std::chrono_literals;
    const auto loaded = load_settings({});
    ASSERT_TRUE(loaded) << loaded.error();
    const settings& s = loaded->values;
    EXPECT_EQ(s.server.listen, std::vector<std::string>{"127.0.0.1:8080"});
    EXPECT_EQ(s.server.admin_listen, "127.0.0.1:9090");
    EXPECT_GE(s.server.shards, 1U);
    EXPECT_EQ(s.server.busy_poll, busy_poll_mode::automatic);
    EXPECT_EQ(s.sqlite_path, "sluice.db");
    EXPECT_FALSE(s.uses_postgres());
    EXPECT_EQ(s.postgres.max_connections, 20U);
    EXPECT_FALSE(s.postgres.transaction_pooler);
    EXPECT_EQ(s.postgres.idle_timeout, 30s);
    EXPECT_EQ(s.postgres.connect_timeout, 2s);
    EXPECT_EQ(s.postgres.statement_timeout, 5s);
    EXPECT_EQ(s.cache.first_tier_bytes, std::size_t{64} << 20);
    EXPECT_EQ(s.cache.ttl, 60s);
    EXPECT_EQ(s.cache.negative_ttl, 5s);
    EXPECT_EQ(s.cache.stale_while_revalidate, duration::zero());
    EXPECT_EQ(s.cache.stale_on_error, duration::zero());
    EXPECT_EQ(s.server.limits.header_bytes, 16U * 1024);
    EXPECT_EQ(s.server.limits.headers, 100U);
    EXPECT_EQ(s.server.limits.body_bytes, 1024U * 1024);
    EXPECT_EQ(s.server.limits.uri_bytes, 8U * 1024);
    EXPECT_EQ(s.server.header_timeout, 10s);
    EXPECT_EQ(s.server.body_timeout, 30s);
    EXPECT_EQ(s.server.idle_timeout, 75s);
    EXPECT_EQ(s.server.request_timeout, 30s);
    EXPECT_EQ(s.server.connections, 0U);
    EXPECT_EQ(s.level, log_level::info);
    EXPECT_EQ(s.log_file, "");
    EXPECT_TRUE(s.server.access_log.lines);
    EXPECT_EQ(s.server.shutdown_grace, 30s);
    EXPECT_FALSE(loaded->file);
}

TEST_F(Settings, come_from_a_file_in_every_form_that_TOML_has)
{
    const auto loaded = from_file("listen = ['127.0.0.1:1', '[::1]:2', 'unix:/run/s.sock']\n"
                                  "shards = 3\n"
                                  "limits.headers = 7\n"
                                  "reactor = { busy_poll = \"50us\" }\n"
                                  "[shutdown]\n"
                                  "grace = 0\n"
                                  "[log]\n"
                                  "level = \"error\"\n");
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.server.listen.size(), 3U);
    EXPECT_EQ(loaded->values.server.shards, 3U);
    EXPECT_EQ(loaded->values.server.limits.headers, 7U);
    EXPECT_EQ(loaded->values.server.busy_poll, busy_poll_mode::fixed);
    EXPECT_EQ(loaded->values.server.busy_poll_time, std::chrono::microseconds(50));
    EXPECT_EQ(loaded->values.server.shutdown_grace, duration::zero());
    EXPECT_EQ(loaded->values.level, log_level::error);
    EXPECT_EQ(origin_of(*loaded, "shards").place, "s.toml:2");
    EXPECT_EQ(origin_of(*loaded, "log.level").place, "s.toml:8");
    EXPECT_EQ(loaded->file, "s.toml");
}

TEST_F(Settings, prefer_flag_to_environment_to_file_to_default)
{
    std::ofstream("s.toml") << "shards = 2\nlog.level = 'error'\nlimits.headers = 50\n";
    const auto loaded = load_settings({.config_file = "s.toml",
                                       .flags = {{"shards", "4"}},
                                       .environment = {"SLUICE_SHARDS=3", "SLUICE_LOG_LEVEL=warn", "PATH=/bin"}});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.server.shards, 4U);
    EXPECT_EQ(origin_of(*loaded, "shards").from, source::flag);
    EXPECT_EQ(loaded->values.level, log_level::warn);
    EXPECT_EQ(origin_of(*loaded, "log.level").from, source::environment);
    EXPECT_EQ(loaded->values.server.limits.headers, 50U);
    EXPECT_EQ(origin_of(*loaded, "limits.headers").from, source::file);
    EXPECT_EQ(origin_of(*loaded, "listen").from, source::default_);
}

TEST_F(Settings, prefer_their_own_variable_to_another_name)
{
    auto loaded = from_environment({"LOG_LEVEL=DEBUG"});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.level, log_level::debug);
    EXPECT_EQ(origin_of(*loaded, "log.level").place, "LOG_LEVEL");

    loaded = from_environment({"LOG_LEVEL=debug", "SLUICE_LOG_LEVEL=error"});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.level, log_level::error);

    loaded = from_environment({"LOG_LEVEL="});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.level, log_level::info);
}

TEST_F(Settings, read_the_file_of_the_working_folder_unless_another_is_named)
{
    std::ofstream("sluice.toml") << "shards = 5\n";
    auto loaded = load_settings({});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.server.shards, 5U);
    EXPECT_EQ(loaded->file, "sluice.toml");

    loaded = from_file("shards = 6\n");
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.server.shards, 6U);
}

TEST_F(Settings, refuse_a_named_file_that_is_not_there_or_not_a_file)
{
    auto loaded = load_settings({.config_file = "absent.toml"});
    ASSERT_FALSE(loaded);
    expect_contains(loaded.error(), {"absent.toml", "No such file"});
    loaded = load_settings({.config_file = "/"});
    ASSERT_FALSE(loaded);
    expect_contains(loaded.error(), {"Is a directory"});
    loaded = load_settings({.config_file = "/dev/zero"});
    ASSERT_FALSE(loaded);
    expect_contains(loaded.error(), {"/dev/zero", "longer than 1 MiB"});
}

TEST_F(Settings, refuse_an_unknown_key_and_name_file_line_and_the_likely_one)
{
    expect_contains(problem_of_file("shards = 1\n\nlisen = '127.0.0.1:1'\n"),
                    {"s.toml:3: unknown key lisen", "did you mean listen?"});
    expect_contains(problem_of_file("[limits]\nheader_byte = 3\n"),
                    {"s.toml:2: unknown key limits.header_byte", "did you mean limits.header_bytes?"});
    expect_contains(problem_of_file("[nonsense]\nx = 1\n"), {"s.toml:2: unknown key nonsense.x", "sluice config"});
    expect_contains(problem_of_file("[nonsense]\n"), {"s.toml:1: unknown key nonsense"});
    expect_contains(problem_of_file("limits = 3\n"), {"s.toml:1: limits is a group", "[limits]"});
    expect_contains(problem_of_file("[listen]\nx = 1\n"), {"s.toml:2: unknown key listen.x"});
    EXPECT_EQ(problem_of_file("[limits]\n"), "(none)");
    expect_contains(problem_of_file("\"a\\nb\" = 1\n"), {"s.toml:1: unknown key a\\u000ab;"});
}

TEST_F(Settings, name_the_first_of_several_mistakes)
{
    expect_contains(problem_of_file("zebra = 1\nalpha = 2\n"), {"s.toml:1: unknown key zebra"});
}

TEST_F(Settings, refuse_text_that_is_no_TOML_with_its_line)
{
    expect_contains(problem_of_file("shards = 1\nlisten = \n"), {"s.toml:2: not valid TOML"});
    expect_contains(problem_of_file("shards = 1\nshards = 2\n"), {"s.toml:2: not valid TOML"});
    expect_contains(problem_of_file("a = '\xff'\n"), {"s.toml:1: not valid TOML"});
    for (const char* text : {"listen = \"", "[", "=", "[limits", "x = {", "\"\\uD800\" = 1"}) {
        const problem what = problem_of_file(text);
        EXPECT_NE(what, "(none)") << text;
        EXPECT_EQ(what.find('\n'), std::string::npos) << what;
    }
}

TEST_F(Settings, refuse_wrong_types_with_key_file_and_line)
{
    expect_contains(problem_of_file("\nshards = '2'\n"), {"s.toml:2: shards must be a whole number", "not \"2\""});
    expect_contains(problem_of_file("shards = 1.5\n"), {"s.toml:1: shards", "1.5"});
    expect_contains(problem_of_file("shards = true\n"), {"s.toml:1: shards", "true"});
    expect_contains(problem_of_file("listen = 8080\n"), {"s.toml:1: listen must be ADDR:PORT", "not 8080"});
    expect_contains(problem_of_file("listen = ['127.0.0.1:1', 2]\n"), {"s.toml:1: listen must be"});
    expect_contains(problem_of_file("[listen]\n"), {"s.toml:1: listen must be", "not a table"});
    expect_contains(problem_of_file("limits.header_timeout = 10\n"),
                    {"s.toml:1: limits.header_timeout must be a duration"});
    expect_contains(problem_of_file("limits.body_bytes = 1979-05-27\n"),
                    {"s.toml:1: limits.body_bytes must be a size"});
    expect_contains(problem_of_file("sqlite.path = 1\n"), {"s.toml:1: sqlite.path must be the path"});
    expect_contains(problem_of_file("log.access = 'no'\n"), {"s.toml:1: log.access must be true or false"});
    expect_contains(problem_of_file("log.level = 3\n"), {"s.toml:1: log.level must be debug, info, warn or error"});
}

TEST_F(Settings, refuse_impossible_values)
{
    expect_contains(problem_of_file("shards = 0\n"), {"s.toml:1: shards must be a whole number from 1 to 1024"});
    for (const char* line : {"shards = -1",
                             "shards = 5000",
                             "shards = 9223372036854775807",
                             "limits.headers = 0",
                             "limits.header_bytes = 1",
                             "limits.header_bytes = '64kb'",
                             "limits.header_bytes = '-1'",
                             "limits.body_bytes = '99999999999GiB'",
                             "limits.header_timeout = '0s'",
                             "limits.idle_timeout = '10 s'",
                             "limits.request_timeout = '1d'",
                             "limits.body_timeout = '25h'",
                             "limits.connections = -1",
                             "sqlite.path = ''",
                             "sqlite.path = \"a\\u0000b\"",
                             "log.level = 'loud'",
                             "reactor.busy_poll = 'on'",
                             "reactor.busy_poll = '2s'",
                             "reactor.busy_poll = 0",
                             "shutdown.grace = '-1s'"}) {
        expect_contains(problem_of_file(line), {"s.toml:1: ", std::string_view(line).substr(0, 6), " must be "});
    }
}

TEST_F(Settings, take_numeric_addresses_only)
{
    for (const char* good : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:8080", "[::]:65535", "unix:/run/sluice.sock"}) {
        EXPECT_EQ(problem_of_environment({std::string("SLUICE_LISTEN=") + good}), "(none)");
    }
    for (const char* bad : {"localhost:8080",
                            "8080",
                            ":8080",
                            "127.0.0.1",
                            "127.0.0.1:",
                            "127.0.0.1:65536",
                            "127.0.0.1:-1",
                            "127.0.0.1: 80",
                            "127.1:80",
                            "::1:8080",
                            "[::1]",
                            "[::1%lo]:80",
                            "[127.0.0.1]:80",
                            "unix:",
                            "unix:relative",
                            "unix:/",
                            "http://127.0.0.1:80",
                            "",
                            "127.0.0.1:80,",
                            "127.0.0.1:80 "}) {
        expect_contains(problem_of_environment({std::string("SLUICE_LISTEN=") + bad}),
                        {"SLUICE_LISTEN: listen must be ADDR:PORT"});
    }
    expect_contains(problem_of_environment({"SLUICE_LISTEN=unix:/" + std::string(200, 'x')}),
                    {"SLUICE_LISTEN: listen must be"});
}

TEST_F(Settings, take_several_listeners_separated_by_commas_from_the_environment)
{
    const auto loaded = from_environment({"SLUICE_LISTEN=127.0.0.1:1,unix:/run/s.sock"});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_EQ(loaded->values.server.listen, (std::vector<std::string>{"127.0.0.1:1", "unix:/run/s.sock"}));
}

TEST_F(Settings, refuse_one_address_for_both_listeners)
{
    expect_contains(problem_of_file("admin_listen = '127.0.0.1:8080'\n"),
                    {"s.toml:1: admin_listen must differ from listen"});
    expect_contains(problem_of_environment({"SLUICE_LISTEN=127.0.0.1:9090"}),
                    {"SLUICE_LISTEN: admin_listen must differ"});
    EXPECT_EQ(problem_of_environment({"SLUICE_LISTEN=127.0.0.1:0", "SLUICE_ADMIN_LISTEN=127.0.0.1:0"}), "(none)");
    EXPECT_EQ(problem_of_environment({"SLUICE_ADMIN_LISTEN="}), "(none)");
}

TEST_F(Settings, refuse_unknown_variables_and_name_the_likely_one)
{
    expect_contains(problem_of_environment({"SLUICE_LISTN=127.0.0.1:1"}),
                    {"unknown variable SLUICE_LISTN in the environment", "did you mean SLUICE_LISTEN?"});
    expect_contains(problem_of_environment({"SLUICE_="}), {"unknown variable SLUICE_ "});
    EXPECT_EQ(problem_of_environment({"SLUICES=1", "sluice_listen=1", "LISTEN=1"}), "(none)");
    expect_contains(problem_of_environment({"SLUICE_A\nB=1"}), {"unknown variable SLUICE_A\\u000aB in"});
}

TEST_F(Settings, pass_over_what_kubernetes_says_about_a_service_of_that_name)
{
    EXPECT_EQ(problem_of_environment({"SLUICE_SERVICE_HOST=10.0.0.11", "SLUICE_SERVICE_PORT=80",
                                      "SLUICE_SERVICE_PORT_HTTP=80", "SLUICE_PORT=tcp://10.0.0.11:80",
                                      "SLUICE_PORT_80_TCP=tcp://10.0.0.11:80", "SLUICE_PORT_80_TCP_PROTO=tcp"}),
              "(none)");
    EXPECT_EQ(problem_of_environment({"SLUICE_POSTGRES_SERVICE_HOST=10.0.0.12", "SLUICE_POSTGRES_SERVICE_PORT_SQL=5432",
                                      "SLUICE_POSTGRES_PORT=tcp://10.0.0.12:5432", "DB_PORT=tcp://10.0.0.12:5432",
                                      "SLUICE_POSTGRES_PORT_5432_TCP=tcp://10.0.0.12:5432"}),
              "(none)");
    expect_contains(problem_of_environment({"SLUICE_PORT=8080"}), {"unknown variable SLUICE_PORT "});
    expect_contains(problem_of_environment({"SLUICE_PORTS="}), {"unknown variable SLUICE_PORTS "});
}

TEST_F(Settings, name_the_variable_or_the_flag_of_a_bad_value)
{
    expect_contains(problem_of_environment({"SLUICE_SHARDS=two"}),
                    {"SLUICE_SHARDS: shards must be a whole number", "\"two\""});
    expect_contains(problem_of_environment({"LOG_LEVEL=chatty"}), {"LOG_LEVEL: log.level must be", "\"chatty\""});
    const auto loaded = load_settings({.flags = {{"listen", "nowhere"}}});
    ASSERT_FALSE(loaded);
    expect_contains(loaded.error(), {"--listen: listen must be", "\"nowhere\""});
}

TEST_F(Settings, keep_a_problem_on_one_line_whatever_the_value_holds)
{
    const problem what = problem_of_environment({"SLUICE_LISTEN=a\nb\x1b[31m"});
    EXPECT_EQ(what.find('\n'), std::string::npos);
    EXPECT_EQ(what.find('\x1b'), std::string::npos);
    EXPECT_EQ(problem_of_file("listen = \"a\\nb\"").find('\n'), std::string::npos);
}

TEST_F(Settings, print_as_a_file_that_gives_the_same_settings)
{
    const auto loaded =
        load_settings({.flags = {{"listen", "[::1]:1,unix:/tmp/\"x\\"}},
                       .environment = {"SLUICE_LIMITS_BODY_BYTES=3MiB", "SLUICE_LIMITS_IDLE_TIMEOUT=90s",
                                       "SLUICE_REACTOR_BUSY_POLL=20us", "SLUICE_LOG_FILE=/var/log/s.log"}});
    ASSERT_TRUE(loaded) << loaded.error();
    const std::string printed = config_text(*loaded);
    expect_contains(printed, {"# flag --listen", "# environment SLUICE_LIMITS_BODY_BYTES", "\"3MiB\"", "# default"});

    const auto again = from_file(printed);
    ASSERT_TRUE(again) << again.error();
    for (const setting& one : setting_table())
        EXPECT_EQ(one.write(again->values), one.write(loaded->values)) << one.key;
}

TEST_F(Settings, are_declared_once_and_completely)
{
    std::set<std::string> names;
    for (const setting& one : setting_table()) {
        EXPECT_TRUE(names.insert(one.variable()).second) << one.key;
        EXPECT_FALSE(one.meaning.empty()) << one.key;
        EXPECT_FALSE(one.expects.empty()) << one.key;
        // A default must be a value that could have been written, except where it depends on the machine.
        settings copy;
        copy.server.shards = 1;
        const auto again = from_file(std::string(one.key) + " = " + one.write(copy) + "\n");
        EXPECT_TRUE(again) << again.error();
    }
}

// docs/settings.md holds the table as this program knows it.
std::string table_for_people()
{
    std::ostringstream out;
    out << "| key | default | value | meaning | variable |\n| --- | --- | --- | --- | --- |\n";
    const settings defaults;
    for (const setting& one : setting_table()) {
        std::string value = one.write(defaults);
        if (!one.default_note.empty())
            value = one.default_note;
        else
            std::erase(value, '"');
        out << "| `" << one.key << "`";
        if (!one.flag.empty()) out << "<br>`" << one.flag << "`";
        out << " | " << value << " | " << one.kind << " | " << one.meaning << " | `" << one.variable() << "`";
        if (!one.also.empty()) out << "<br>`" << one.also << "`";
        out << " |\n";
    }
    return out.str();
}

TEST(SettingsDocumentation, has_the_table_that_the_program_has)
{
    std::ifstream file(SETTINGS_DOCUMENTATION);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_NE(text.find(table_for_people()), std::string::npos) << "docs/settings.md must hold this table:\n"
                                                                << table_for_people();
}

} // namespace
} // namespace sluice::app

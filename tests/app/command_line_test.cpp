// The command line: which command with which flags, and what is said about wrong usage.
#include "command_line.hpp"

#include <gtest/gtest.h>

namespace sluice::app {
namespace {

std::variant<invocation, parting_words> parse(std::vector<const char*> words)
{
    words.insert(words.begin(), "sluice");
    return parse_command_line(static_cast<int>(words.size()), words.data());
}

invocation called(std::vector<const char*> words)
{
    const auto parsed = parse(std::move(words));
    const auto* found = std::get_if<invocation>(&parsed);
    if (found == nullptr) ADD_FAILURE() << std::get<parting_words>(parsed).text;
    return found == nullptr ? invocation() : *found;
}

parting_words refused(std::vector<const char*> words)
{
    const auto parsed = parse(std::move(words));
    const auto* found = std::get_if<parting_words>(&parsed);
    if (found == nullptr) ADD_FAILURE() << "accepted";
    return found == nullptr ? parting_words() : *found;
}

TEST(CommandLine, serves_by_default)
{
    EXPECT_EQ(called({}).what, command::serve);
    EXPECT_FALSE(called({}).sources.config_file);
    EXPECT_TRUE(called({}).sources.flags.empty());
    const invocation with_flags = called({"--listen", "127.0.0.1:1"});
    EXPECT_EQ(with_flags.what, command::serve);
    EXPECT_EQ(with_flags.sources.flags.at(0), (std::pair<std::string_view, std::string>("listen", "127.0.0.1:1")));
}

TEST(CommandLine, knows_every_command)
{
    EXPECT_EQ(called({"serve"}).what, command::serve);
    EXPECT_EQ(called({"check"}).what, command::check);
    EXPECT_EQ(called({"migrate"}).what, command::migrate);
    EXPECT_EQ(called({"config"}).what, command::config);
    EXPECT_EQ(called({"routes"}).what, command::routes);
}

TEST(CommandLine, takes_settings_as_flags_in_both_forms)
{
    const invocation found =
        called({"serve", "--config=a.toml", "--listen=127.0.0.1:1", "--admin-listen", "127.0.0.1:2", "--shards", "3"});
    EXPECT_EQ(found.sources.config_file, "a.toml");
    ASSERT_EQ(found.sources.flags.size(), 3U);
    EXPECT_EQ(found.sources.flags[0].first, "listen");
    EXPECT_EQ(found.sources.flags[1].first, "admin_listen");
    EXPECT_EQ(found.sources.flags[2], (std::pair<std::string_view, std::string>("shards", "3")));
}

TEST(CommandLine, refuses_wrong_usage_in_one_line_with_status_2)
{
    const std::vector<std::vector<const char*>> wrong = {{"dance"},
                                                         {"serve", "--nonsense"},
                                                         {"serve", "more"},
                                                         {"--config"},
                                                         {"--listen"},
                                                         {"migrate", "--listen", "x"},
                                                         {"serve", "--listen", "a", "--listen", "b"},
                                                         {"-x"},
                                                         {""},
                                                         {"config", "check"}};
    for (const auto& words : wrong) {
        const parting_words said = refused(words);
        EXPECT_EQ(said.status, status_wrong);
        EXPECT_EQ(said.text.find('\n'), said.text.size() - 1) << said.text;
        EXPECT_TRUE(said.text.starts_with("sluice: ")) << said.text;
        EXPECT_NE(said.text.find("--help`"), std::string::npos) << said.text;
    }
    EXPECT_NE(refused({"dance"}).text.find("dance"), std::string::npos);
    EXPECT_NE(refused({"serve", "--nonsense"}).text.find("--nonsense"), std::string::npos);
}

TEST(CommandLine, has_help_for_the_program_and_for_each_command)
{
    const parting_words program = refused({"--help"});
    EXPECT_EQ(program.status, status_done);
    for (const char* name : {"serve", "check", "migrate", "config", "routes"}) {
        EXPECT_NE(program.text.find(name), std::string::npos) << name;
        const parting_words help = refused({name, "--help"});
        EXPECT_EQ(help.status, status_done);
        EXPECT_NE(help.text.find("--config"), std::string::npos) << help.text;
    }
    EXPECT_NE(refused({"serve", "--help"}).text.find("--admin-listen ADDR:PORT"), std::string::npos);
}

TEST(CommandLine, has_a_version)
{
    const parting_words version = refused({"--version"});
    EXPECT_EQ(version.status, status_done);
    EXPECT_TRUE(version.text.starts_with("sluice 0.")) << version.text;
}

} // namespace
} // namespace sluice::app

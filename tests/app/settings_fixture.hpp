// A folder of its own for each test of settings, and short ways to load some.
#pragma once

#include "load_settings.hpp"
#include "setting_table.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::app {

class settings_fixture : public testing::Test
{
protected:
    settings_fixture()
    {
        std::string pattern = testing::TempDir() + "settings-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        before_ = std::filesystem::current_path();
        std::filesystem::current_path(folder_);
    }
    ~settings_fixture() override
    {
        std::filesystem::current_path(before_);
        std::filesystem::remove_all(folder_);
    }

    // What `sluice --config s.toml` makes of a file with this text.
    static std::expected<loaded_settings, problem> from_file(const std::string& text)
    {
        std::ofstream("s.toml") << text;
        return load_settings({.config_file = "s.toml"});
    }
    static std::expected<loaded_settings, problem> from_environment(std::vector<std::string> environment)
    {
        return load_settings({.environment = std::move(environment)});
    }
    static problem problem_of_file(const std::string& text)
    {
        const auto loaded = from_file(text);
        return loaded ? "(none)" : loaded.error();
    }
    static problem problem_of_environment(std::vector<std::string> environment)
    {
        const auto loaded = from_environment(std::move(environment));
        return loaded ? "(none)" : loaded.error();
    }
    static origin origin_of(const loaded_settings& loaded, std::string_view key)
    {
        return loaded.origins[static_cast<std::size_t>(find_setting(key) - setting_table().data())];
    }

    std::filesystem::path folder_;
    std::filesystem::path before_;
};

inline void expect_contains(const std::string& text, std::initializer_list<std::string_view> parts)
{
    for (const std::string_view part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

} // namespace sluice::app

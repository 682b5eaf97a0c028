// A folder of its own for each test of a log in a file.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace sluice {

class log_folder : public ::testing::Test
{
protected:
    log_folder()
    {
        std::string pattern = ::testing::TempDir() + "log-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        path_ = folder_ / "s.log";
    }
    ~log_folder() override { std::filesystem::remove_all(folder_); }

    static std::vector<std::string> lines_of(const std::filesystem::path& path)
    {
        std::ifstream file(path);
        std::vector<std::string> lines;
        for (std::string line; std::getline(file, line);) lines.push_back(line);
        return lines;
    }

    [[nodiscard]] std::size_t whole_lines() const
    {
        return static_cast<std::size_t>(std::ranges::count_if(
            lines_of(path_), [](const std::string& line) { return line.starts_with('{') && line.ends_with('}'); }));
    }

    std::filesystem::path folder_;
    std::filesystem::path path_;
};

} // namespace sluice

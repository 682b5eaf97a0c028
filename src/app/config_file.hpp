// A configuration file as a list of keys and raw values, each with its line. Which keys there are is not known here.
#pragma once

#include "setting_kind.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace sluice::app {

struct file_entry
{
    std::string key; // dotted: "limits.headers"
    raw_setting raw;
    std::uint32_t line = 0;
    bool table = false; // a table without anything in it
};

// The entries in the order of their lines; or one line that says what is wrong with the text.
[[nodiscard]] std::expected<std::vector<file_entry>, std::string> parse_config(std::string_view text,
                                                                               const std::string& path);
// The whole file, if it can be read and is not absurdly long; or what is wrong with it.
[[nodiscard]] std::expected<std::string, std::string> read_config(const std::string& path);

} // namespace sluice::app

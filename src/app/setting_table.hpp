// The table of all settings: each is declared once, in setting_table.cpp, and everything that deals with settings reads
// it.
#pragma once

#include "setting_kind.hpp"
#include "settings.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::app {

struct setting
{
    std::string_view key; // its path in a file: "limits.header_bytes"
    std::string_view meaning;
    std::string_view also = {};         // another environment variable that sets it: "LOG_LEVEL"
    std::string_view flag = {};         // of the commands that take settings: "--listen"
    std::string_view flag_value = {};   // in the help: "ADDR:PORT"
    std::string_view default_note = {}; // for the documentation, where the default depends on the machine

    // Filled from the kind.
    std::string_view kind = {};
    std::string expects = {};
    std::function<bool(settings&, const raw_setting&)> read = {};
    std::function<std::string(const settings&)> write = {};
    std::function<std::string(const settings&)> show = {}; // as it may be printed
    bool secret = false;                                   // written it may not be printed
    std::string (*why_not)(const raw_setting& raw) = nullptr;

    [[nodiscard]] std::string variable() const; // "SLUICE_LIMITS_HEADER_BYTES"
};

[[nodiscard]] std::span<const setting> setting_table();
[[nodiscard]] const setting* find_setting(std::string_view key);

// The name among `known` that `name` was probably meant to be, if one is close.
[[nodiscard]] std::optional<std::string> closest(std::string_view name, std::span<const std::string> known);

} // namespace sluice::app

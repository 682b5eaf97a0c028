// What INFO gives, read.
#pragma once

#include <algorithm>
#include <string_view>

namespace sluice::redis {

// The value of "NAME:value\r\n"; empty where there is no such line.
[[nodiscard]] inline std::string_view info_value(std::string_view info, std::string_view name)
{
    while (!info.empty()) {
        const std::string_view line = info.substr(0, info.find("\r\n"));
        if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) return line.substr(name.size() + 1);
        info.remove_prefix(std::min(info.size(), line.size() + 2));
    }
    return {};
}

} // namespace sluice::redis

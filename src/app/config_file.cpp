#include "config_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sstream>
#include <unistd.h>

namespace sluice::app {
namespace {

constexpr std::size_t config_bytes_max = 1 << 20;

raw_value read_array(const toml::array& array)
{
    std::vector<std::string> texts;
    for (const toml::node& element : array) {
        const auto* text = element.as_string();
        if (text == nullptr) return unreadable();
        texts.push_back(text->get());
    }
    return texts;
}

raw_value read_value(const toml::node& node)
{
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return number->get();
    if (const auto* fraction = node.as_floating_point()) return fraction->get();
    if (const auto* flag = node.as_boolean()) return flag->get();
    if (const auto* array = node.as_array()) return read_array(*array);
    return unreadable();
}

// The value as TOML writes it, on one line and not too long.
std::string shown(const toml::node& node)
{
    std::ostringstream out;
    node.visit([&](const auto& value) {
        if constexpr (toml::is_table<decltype(value)> || toml::is_array<decltype(value)>) {
            out << (toml::is_table<decltype(value)> ? "a table" : "this list");
        } else if constexpr (toml::is_string<decltype(value)>) {
            out << in_quotes(value.get());
        } else {
            out << value;
        }
    });
    constexpr std::size_t longest = 80;
    std::string text = out.str();
    if (text.size() > longest) text = text.substr(0, longest) + "…";
    return text;
}

void collect(const toml::table& table, const std::string& prefix, std::vector<file_entry>& entries)
{
    for (const auto& [name, node] : table) {
        const std::string key = prefix + std::string(name.str());
        const toml::table* inner = node.as_table();
        if (inner != nullptr && !inner->empty()) {
            collect(*inner, key + ".", entries);
            continue;
        }
        entries.push_back({.key = key,
                           .raw = {.value = read_value(node), .shown = shown(node)},
                           .line = name.source().begin.line,
                           .table = inner != nullptr});
    }
}

std::string reason() { return std::strerror(errno); }

} // namespace

std::expected<std::vector<file_entry>, std::string> parse_config(std::string_view text, const std::string& path)
{
    try {
        std::vector<file_entry> entries;
        collect(toml::parse(text, path), "", entries);
        std::ranges::sort(entries, {}, &file_entry::line);
        return entries;
    } catch (const toml::parse_error& broken) {
        std::string what(broken.description());
        std::ranges::replace(what, '\n', ' ');
        return std::unexpected(fmt::format("{}:{}: not valid TOML: {}", path, broken.source().begin.line, what));
    }
}

std::expected<std::string, std::string> read_config(const std::string& path)
{
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return std::unexpected(fmt::format("the configuration file {} cannot be opened ({})", path, reason()));
    std::string text;
    std::array<char, 4096> piece;
    ssize_t got = 0;
    while (text.size() <= config_bytes_max && (got = ::read(file, piece.data(), piece.size())) > 0) {
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
    const int failure = got < 0 ? errno : 0;
    ::close(file);
    if (failure != 0) {
        return std::unexpected(
            fmt::format("the configuration file {} cannot be read ({})", path, std::strerror(failure)));
    }
    if (text.size() > config_bytes_max) {
        return std::unexpected(
            fmt::format("the configuration file {} is longer than 1 MiB: is it the right file?", path));
    }
    return text;
}

} // namespace sluice::app

// Settings that are lists of texts: in a file a list or one text, elsewhere texts with commas between them.
#include "listen_address.hpp"
#include "setting_kind.hpp"

#include <sluice/http/ip.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::app {
namespace {

std::vector<std::string> split_at_commas(std::string_view text)
{
    std::vector<std::string> parts;
    for (;;) {
        const auto comma = text.find(',');
        parts.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) return parts;
        text.remove_prefix(comma + 1);
    }
}

// A list, or one text; an empty text is an empty list.
std::optional<std::vector<std::string>> list_of(const raw_setting& raw)
{
    if (const auto* list = std::get_if<std::vector<std::string>>(&raw.value)) return *list;
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr) return std::nullopt;
    if (text->empty()) return std::vector<std::string>();
    return raw.text_only ? split_at_commas(*text) : std::vector{*text};
}

bool read_addresses(const setting_kind<std::vector<std::string>>&, const raw_setting& raw,
                    std::vector<std::string>& out)
{
    auto all = list_of(raw);
    if (!all || all->empty() || !std::ranges::all_of(*all, valid_listen_address)) return false;
    out = *std::move(all);
    return true;
}

bool is_host_name(std::string_view text)
{
    constexpr std::size_t longest = 253;
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-._";
    return !text.empty() && text.size() <= longest && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool read_host_names(const setting_kind<std::vector<std::string>>&, const raw_setting& raw,
                     std::vector<std::string>& out)
{
    auto all = list_of(raw);
    if (!all || !std::ranges::all_of(*all, is_host_name)) return false;
    out = *std::move(all);
    return true;
}

bool read_networks(const setting_kind<std::vector<std::string>>&, const raw_setting& raw, std::vector<std::string>& out)
{
    auto all = list_of(raw);
    if (!all || !http::trusted_peers::parse(*all)) return false;
    out = *std::move(all);
    return true;
}

// A single letter would be in nearly every name.
bool is_word(std::string_view text) { return text.size() > 1; }

bool read_words(const setting_kind<std::vector<std::string>>&, const raw_setting& raw, std::vector<std::string>& out)
{
    auto all = list_of(raw);
    if (!all || !std::ranges::all_of(*all, is_word)) return false;
    out = *std::move(all);
    return true;
}

std::string write_addresses(const std::vector<std::string>& all)
{
    if (all.size() == 1) return in_quotes(all.front());
    std::string list = "[";
    for (const std::string& one : all) list += (list.size() == 1 ? "" : ", ") + in_quotes(one);
    return list + "]";
}

} // namespace

setting_kind<std::vector<std::string>> addresses()
{
    return {.name = "address",
            .expects = fmt::format("{}, or a list of such addresses", listen_address_forms),
            .read = &read_addresses,
            .write = &write_addresses};
}

setting_kind<std::vector<std::string>> networks()
{
    return {.name = "networks",
            .expects = "an address, a network such as 10.0.0.0/8, or a list of them",
            .read = &read_networks,
            .write = &write_addresses};
}

setting_kind<std::vector<std::string>> host_names()
{
    return {.name = "host names",
            .expects = "a host name in lower case and without a port, or a list of them",
            .read = &read_host_names,
            .write = &write_addresses};
}

setting_kind<std::vector<std::string>> words()
{
    return {.name = "words",
            .expects = "a word of at least two letters, or a list of them",
            .read = &read_words,
            .write = &write_addresses};
}

} // namespace sluice::app

// The kinds of the settings of the rate limit.
#include "setting_kind.hpp"
#include "settings.hpp"

#include <algorithm>

namespace sluice::app {
namespace {

constexpr std::string_view by_header = "header:";
constexpr std::size_t header_name_max = 64;

// RFC 9110's token.
bool of_a_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

bool read_key(const setting_kind<std::string>&, const raw_setting& raw, std::string& out)
{
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr) return false;
    if (*text == "ip") {
        out.clear();
        return true;
    }
    if (!text->starts_with(by_header)) return false;
    const std::string name = text->substr(by_header.size());
    if (name.empty() || name.size() > header_name_max || !std::ranges::all_of(name, of_a_name)) return false;
    out = name;
    return true;
}

constexpr std::string_view words(limit::on_failure what)
{
    switch (what) {
    case limit::on_failure::local:
        return "local";
    case limit::on_failure::open:
        return "open";
    case limit::on_failure::closed:
        return "closed";
    }
    return "";
}

bool read_failure(const setting_kind<limit::on_failure>&, const raw_setting& raw, limit::on_failure& out)
{
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr) return false;
    for (const auto one : {limit::on_failure::local, limit::on_failure::open, limit::on_failure::closed}) {
        if (*text != words(one)) continue;
        out = one;
        return true;
    }
    return false;
}

} // namespace

limit::policy rate_limit_settings::policy() const
{
    return {.quotas = {{.requests = static_cast<std::uint32_t>(requests), .window = window}},
            .without_redis = on_redis_failure};
}

setting_kind<std::string> client_key()
{
    return {.name = "ip or header:NAME",
            .expects = "ip or header:NAME",
            .read = &read_key,
            .write = [](const std::string& value) {
                return in_quotes(value.empty() ? "ip" : std::string(by_header) + value);
            }};
}

setting_kind<limit::on_failure> without_redis()
{
    return {.name = "local, open or closed",
            .expects = "local, open or closed",
            .read = &read_failure,
            .write = [](const limit::on_failure& value) { return in_quotes(words(value)); }};
}

} // namespace sluice::app

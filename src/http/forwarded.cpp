#include <sluice/http/forwarded.hpp>

#include <algorithm>
#include <utility>

namespace sluice::http {

namespace {

// More proxies than that stand in no way that is meant.
constexpr std::size_t hops_max = 32;

std::string_view trim(std::string_view text) noexcept
{
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80".
std::optional<ip> address_of(std::string_view node) noexcept
{
    if (node.starts_with('[')) {
        const std::size_t close = node.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        if (close + 1 != node.size() && node[close + 1] != ':') return std::nullopt;
        const std::string_view inside = node.substr(1, close - 1);
        return inside.contains(':') ? parse_ip(inside) : std::nullopt;
    }
    if (std::ranges::count(node, ':') == 1) node = node.substr(0, node.find(':'));
    return parse_ip(node);
}

// The last element of a list, and the list before it. A comma within quotes separates nothing.
std::string_view take_last(std::string_view& list) noexcept
{
    bool quoted = false;
    std::size_t comma = list.size();
    while (comma > 0) {
        const char c = list[--comma];
        if (c == '"' && (comma == 0 || list[comma - 1] != '\\')) quoted = !quoted;
        if (c == ',' && !quoted) {
            const std::string_view last = list.substr(comma + 1);
            list = list.substr(0, comma);
            return trim(last);
        }
    }
    return trim(std::exchange(list, {}));
}

// The node that an element of Forwarded names as "for".
std::string_view for_of(std::string_view element) noexcept
{
    while (!element.empty()) {
        const std::size_t end = element.find(';');
        const std::string_view pair = trim(element.substr(0, end));
        element = end == std::string_view::npos ? std::string_view() : element.substr(end + 1);
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || !equal_ignoring_case(pair.substr(0, equals), "for")) continue;
        std::string_view node = pair.substr(equals + 1);
        if (node.size() >= 2 && node.front() == '"' && node.back() == '"') node = node.substr(1, node.size() - 2);
        return node;
    }
    return {};
}

// From the right, over all fields of that name.
template <class Node>
std::optional<ip> walk(const headers& fields, std::string_view name, const trusted_peers& trusted, Node node)
{
    std::optional<ip> nearest;
    std::size_t hops = 0;
    const auto all = fields.all();
    for (auto field = all.rbegin(); field != all.rend(); ++field) {
        if (!equal_ignoring_case(field->name, name)) continue;
        for (std::string_view rest = field->value; !rest.empty();) {
            const std::string_view element = take_last(rest);
            if (element.empty()) continue; // RFC 9110: empty elements are ignored
            const std::optional<ip> found = address_of(node(element));
            if (!found || ++hops > hops_max) return nearest;
            nearest = found;
            if (!trusted.trusts(*found)) return nearest;
        }
    }
    return nearest;
}

} // namespace

std::optional<ip> forwarded_client(const headers& fields, const trusted_peers& trusted)
{
    constexpr std::string_view standard = "Forwarded";
    constexpr std::string_view custom = "X-Forwarded-For";
    const bool has_standard = fields.find(standard).has_value();
    const bool has_custom = fields.find(custom).has_value();
    if (!has_standard && !has_custom) return std::nullopt;
    std::optional<ip> by_standard;
    std::optional<ip> by_custom;
    if (has_standard) by_standard = walk(fields, standard, trusted, &for_of);
    if (has_custom) by_custom = walk(fields, custom, trusted, [](std::string_view element) { return element; });
    if (has_standard && has_custom && by_standard != by_custom) return std::nullopt;
    return has_standard ? by_standard : by_custom;
}

} // namespace sluice::http

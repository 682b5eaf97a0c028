#include "route/pattern.hpp"

#include <sluice/http/request.hpp>

#include <algorithm>
#include <stdexcept>

namespace sluice::route_detail {

namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view fault)
{
    throw std::invalid_argument("route pattern '" + std::string(text) + "': " + std::string(fault));
}

int hex_value(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool unreserved(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

// What may stand in a path segment (RFC 3986: pchar), a percent sign with its two digits apart.
bool literal_character(char c) noexcept { return unreserved(c) || std::string_view("!$&'()*+,;=:@%").contains(c); }

void check_literal(std::string_view text, std::string_view segment)
{
    for (std::size_t i = 0; i < segment.size(); ++i) {
        if (segment[i] == '{' || segment[i] == '}') refuse(text, "a parameter must be a whole segment, \"{name}\"");
        if (!literal_character(segment[i])) refuse(text, "a literal segment has a character that no path has");
        if (segment[i] != '%') continue;
        if (segment.size() - i < 3 || hex_value(segment[i + 1]) < 0 || hex_value(segment[i + 2]) < 0)
            refuse(text, "'%' must be followed by two hex digits");
    }
}

std::string_view parameter_name(std::string_view text, std::string_view segment)
{
    const std::string_view name = segment.substr(1, segment.size() - 2);
    const auto ordinary = [](char c) { return unreserved(c) && c != '-' && c != '.' && c != '~'; };
    if (name.empty() || !std::ranges::all_of(name, ordinary))
        refuse(text, "a parameter's name is made of letters, digits and '_'");
    return name;
}

} // namespace

pattern parse_pattern(std::string_view text)
{
    if (text.empty() || text.front() != '/') refuse(text, "it must begin with '/'");
    pattern made;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('/', begin + 1), text.size());
        const std::string_view segment = text.substr(begin + 1, end - begin - 1);
        if (segment.empty() && end != text.size()) refuse(text, "it has an empty segment");
        made.shape += '/';
        if (segment.size() >= 2 && segment.front() == '{' && segment.back() == '}') {
            const std::string_view name = parameter_name(text, segment);
            if (std::ranges::find(made.names, name) != made.names.end()) refuse(text, "it names a parameter twice");
            made.names.push_back(name);
            made.shape += parameter_mark;
        } else {
            check_literal(text, segment);
            std::string normal(segment);
            normal.resize(static_cast<std::size_t>(normalise(segment, normal.data()) - normal.data()));
            made.shape += normal;
        }
        begin = end;
    }
    if (made.names.size() > http::path_parameters_max) refuse(text, "it has too many parameters");
    return made;
}

void check_prefix(std::string_view text)
{
    if (text.empty()) return;
    if (text.ends_with('/')) refuse(text, "a group's prefix must not end with '/'");
    static_cast<void>(parse_pattern(text));
}

char* normalise(std::string_view path, char* out) noexcept
{
    for (std::size_t i = 0; i < path.size(); ++i) {
        const int high = path[i] == '%' && path.size() - i > 2 ? hex_value(path[i + 1]) : -1;
        const int low = high >= 0 ? hex_value(path[i + 2]) : -1;
        if (low < 0) {
            *out++ = path[i];
            continue;
        }
        const char decoded = static_cast<char>(high * 16 + low);
        if (unreserved(decoded)) {
            *out++ = decoded;
        } else {
            constexpr std::string_view digits = "0123456789ABCDEF";
            *out++ = '%';
            *out++ = digits[static_cast<std::size_t>(high)];
            *out++ = digits[static_cast<std::size_t>(low)];
        }
        i += 2;
    }
    return out;
}

} // namespace sluice::route_detail

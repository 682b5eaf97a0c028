// Patterns and paths in the one form in which they are compared.
//
// Two paths are the same resource if they differ only in percent-encoded unreserved characters and in the case of hex
// digits (RFC 3986, section 6.2.2). normalise() undoes exactly that: what it leaves encoded (a slash above all) stays
// encoded, so it never changes which segments there are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::route_detail {

// Stands for a parameter in a shape. No path contains it: control characters are refused long before.
inline constexpr char parameter_mark = '\x01';

struct pattern
{
    std::string shape;                   // normalised literals, a mark for each parameter
    std::vector<std::string_view> names; // of the parameters, in order: views into the text given
};

// Throws std::invalid_argument, naming the pattern and the fault.
[[nodiscard]] pattern parse_pattern(std::string_view text);

// The same for a group's prefix: literal or with parameters, empty or beginning and not ending with a slash.
void check_prefix(std::string_view text);

// Writes the normal form of `path` at `out`, which has room for path.size() bytes; returns the end.
char* normalise(std::string_view path, char* out) noexcept;

} // namespace sluice::route_detail

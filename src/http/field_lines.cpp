#include "http/field_lines.hpp"

#include "http/characters.hpp"
#include "http/refusals.hpp"

#include <limits>

namespace sluice::http {

namespace {
bool ends_line(const char* at) noexcept { return at[0] == '\r' && at[1] == '\n'; }
} // namespace

const refusal* check_field_lines(std::span<header> fields, const char* at, std::string_view head,
                                 seen_fields& seen) noexcept
{
    for (header& field : fields) {
        if (is_blank(*at)) return &refusals::folded_field;
        if (field.name.data() != at || !is_token(field.name)) return &refusals::malformed_field;
        at += field.name.size();
        if (*at != ':') return &refusals::malformed_field;
        do ++at;
        while (is_blank(*at));
        if (field.value.empty()) {
            field.value = {at, 0};
        } else {
            if (field.value.data() != at) return &refusals::folded_field;
            at += field.value.size();
            while (!field.value.empty() && is_blank(field.value.back())) field.value.remove_suffix(1);
        }
        if (!ends_line(at)) return &refusals::bare_line_end;
        at += 2;
        note(seen, field.name, field.value);
    }
    if (is_blank(*at)) return &refusals::folded_field;
    if (head.data() + head.size() - at != 2 || !ends_line(at)) return &refusals::bare_line_end;
    return nullptr;
}

std::optional<std::uint64_t> parse_length(std::string_view text) noexcept
{
    constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
    if (text.empty()) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (!is_digit(c) || value > (largest - digit) / 10) return std::nullopt;
        value = value * 10 + digit;
    }
    return value;
}

} // namespace sluice::http

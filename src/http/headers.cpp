#include "http/characters.hpp"

#include <sluice/http/headers.hpp>

#include <algorithm>

namespace sluice::http {

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept
{
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string_view> headers::find(std::string_view name) const noexcept
{
    for (const header& field : fields_) {
        if (equal_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

std::size_t headers::count(std::string_view name) const noexcept
{
    return static_cast<std::size_t>(
        std::ranges::count_if(fields_, [&](const header& field) { return equal_ignoring_case(field.name, name); }));
}

bool headers::has_token(std::string_view name, std::string_view token) const noexcept
{
    return std::ranges::any_of(fields_, [&](const header& field) {
        return equal_ignoring_case(field.name, name) &&
               any_element(field.value, [&](std::string_view element) { return equal_ignoring_case(element, token); });
    });
}

} // namespace sluice::http

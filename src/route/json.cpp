#include <sluice/http/headers.hpp>
#include <sluice/route/json.hpp>

#include <algorithm>
#include <string>

namespace sluice {

namespace {

std::string_view trim(std::string_view text) noexcept
{
    const std::size_t first = text.find_first_not_of(" \t");
    return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The next part of `rest` up to a semicolon, which is taken as well.
std::string_view take_part(std::string_view& rest) noexcept
{
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view part = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

// `charset=utf-8`, quoted or not, or any parameter that is no charset.
bool tolerable(std::string_view parameter) noexcept
{
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    if (!http::equal_ignoring_case(parameter.substr(0, equals), "charset")) return true;
    const std::string_view value = parameter.substr(std::min(equals + 1, parameter.size()));
    return http::equal_ignoring_case(value, "utf-8") || http::equal_ignoring_case(value, "\"utf-8\"");
}

bool acceptable(std::string_view content_type, media_types accepted) noexcept
{
    const std::string_view type = take_part(content_type);
    if (std::ranges::none_of(accepted, [&](std::string_view one) { return http::equal_ignoring_case(one, type); }))
        return false;
    while (!content_type.empty())
        if (!tolerable(take_part(content_type))) return false;
    return true;
}

} // namespace

result<void> require_media_type(const http::request& asked, media_types accepted)
{
    if (const auto coding = asked.header("content-encoding"); coding && !http::equal_ignoring_case(*coding, "identity"))
        return fail(errc::unsupported_media_type, "The body must not be encoded");
    if (asked.headers().count("content-type") == 1 && acceptable(*asked.header("content-type"), accepted)) return {};
    std::string detail = "The body must be of the type ";
    for (const std::string_view type : accepted)
        detail.append(type.data() == accepted.begin()->data() ? "" : " or ").append(type);
    return fail(errc::unsupported_media_type, std::move(detail));
}

} // namespace sluice

#include "http/characters.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/http/response.hpp>

#include <algorithm>

namespace sluice::http {

namespace {

constexpr std::size_t fields_expected = 127; // what most responses have, in one block of the pool

} // namespace

response& response::header(std::string_view name, std::string_view value) &
{
    SLUICE_ASSERT(is_token(name));
    SLUICE_ASSERT(is_field_value(value));
    const std::size_t size = fields_.size() + name.size() + value.size() + 4;
    if (fields_.capacity() < size) fields_.reserve(std::max(size, fields_expected));
    fields_.append(name).append(": ").append(value).append("\r\n");
    return *this;
}

std::optional<std::string_view> response::header(std::string_view name) const noexcept
{
    for (std::string_view rest = fields_; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find("\r\n"));
        rest.remove_prefix(line.size() + 2);
        const std::size_t colon = line.find(':');
        if (equal_ignoring_case(line.substr(0, colon), name)) return line.substr(colon + 2);
    }
    return std::nullopt;
}

std::string_view response::body() const noexcept
{
    if (const auto* owned = std::get_if<pooled_string>(&body_)) return *owned;
    if (const auto* literal = std::get_if<std::string_view>(&body_)) return *literal;
    if (const auto* shared = std::get_if<shared_body>(&body_))
        return *shared ? std::string_view(**shared) : std::string_view();
    return {};
}

response::shared_body response::share() const noexcept
{
    const auto* shared = std::get_if<shared_body>(&body_);
    return shared != nullptr ? *shared : shared_body();
}

} // namespace sluice::http

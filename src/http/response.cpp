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
    const std::size_t begin = fields_.size();
    const std::size_t size = begin + name.size() + value.size() + 4;
    if (fields_.capacity() < size) fields_.reserve(std::max(size, fields_expected));
    fields_.resize_and_overwrite(size, [&](char* bytes, std::size_t) {
        char* at = bytes + begin;
        const auto put = [&at](std::string_view text) { at += text.copy(at, text.size()); };
        put(name);
        put(": ");
        put(value);
        put("\r\n");
        return size;
    });
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
    switch (body_kind_) {
    case kind::owned:
        return owned_;
    case kind::literal:
        return literal_;
    case kind::shared:
        return shared_ ? std::string_view(*shared_) : std::string_view();
    case kind::streamed:
        break;
    }
    return {};
}

response::shared_body response::share() const noexcept { return body_kind_ == kind::shared ? shared_ : shared_body(); }

} // namespace sluice::http

// Request methods (RFC 9110, section 9; PATCH: RFC 5789).
#pragma once

#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

enum class method : std::uint8_t
{
    get,
    head,
    post,
    put,
    patch,
    delete_,
    options,
    trace,
    connect,
};
inline constexpr std::size_t method_count = 9;

// "GET", …
[[nodiscard]] std::string_view name(method m) noexcept;

} // namespace sluice::http

#pragma GCC visibility pop

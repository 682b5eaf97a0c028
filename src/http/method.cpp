#include <sluice/http/method.hpp>

#include <array>

namespace sluice::http {

std::string_view name(method m) noexcept
{
    static constexpr std::array<std::string_view, method_count> names = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"};
    return names[static_cast<std::size_t>(m)];
}

} // namespace sluice::http

#include <sluice/core/hash.hpp>
#include <sluice/limit/client_key.hpp>

#include <array>

namespace sluice::limit {

client_key client_key::of_address(const http::ip& address) noexcept
{
    if (address.v4()) return {'4', 0, address.v4_bits()};
    return {'6', address.prefix(), 0};
}

client_key client_key::of_client(std::string_view client) noexcept
{
    if (const auto address = http::parse_ip(client)) return of_address(*address);
    return of_text(client);
}

client_key client_key::of_text(std::string_view text) noexcept
{
    const name_hash made = hash_name(text);
    return {'t', made.high, made.low};
}

std::uint64_t client_key::hash() const noexcept
{
    const std::array<std::uint64_t, 3> whole = {high_, low_, kind_};
    return hash_bytes({reinterpret_cast<const char*>(whole.data()), sizeof whole});
}

void client_key::write_name(char* to) const noexcept
{
    constexpr std::string_view digits = "0123456789abcdef";
    *to++ = static_cast<char>(kind_);
    for (const std::uint64_t half : {high_, low_})
        for (unsigned shift = 64; shift != 0;) *to++ = digits[half >> (shift -= 4) & 0xF];
}

} // namespace sluice::limit

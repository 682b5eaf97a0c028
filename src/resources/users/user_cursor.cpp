#include "resources/users/user_cursor.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::users {

namespace {

// base64url (RFC 4648) without padding: 16 bytes are 22 characters, and the last has four bits to spare.
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t cursor_size = 22;

} // namespace

pooled_string write_cursor(const uuid& last)
{
    pooled_string text;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const std::uint8_t byte : last.bytes) {
        bits = bits << 8 | byte;
        for (held += 8; held >= 6; held -= 6) text.push_back(alphabet[bits >> (held - 6) & 63]);
    }
    text.push_back(alphabet[bits << (6 - held) & 63]);
    return text;
}

std::optional<uuid> read_cursor(std::string_view text) noexcept
{
    if (text.size() != cursor_size) return std::nullopt;
    uuid last;
    std::size_t filled = 0;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const std::size_t digit = alphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        held += 6;
        if (held >= 8) {
            held -= 8;
            last.bytes[filled++] = static_cast<std::uint8_t>(bits >> held & 0xff);
        }
    }
    if ((bits & 15) != 0) return std::nullopt; // another spelling of the same cursor
    return last;
}

} // namespace sluice::users

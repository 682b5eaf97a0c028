// Hexadecimal digits: bytes to lower-case digits and back. Inside core only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::hex {

// Writes two digits for each of `count` bytes. Free of branches and tables, so the compiler makes vector code of it.
inline void write(const std::uint8_t* bytes, std::size_t count, char* out) noexcept
{
    const auto digit = [](unsigned nibble) {
        return static_cast<char>(nibble + '0' + (nibble > 9 ? 'a' - '0' - 10 : 0));
    };
    for (std::size_t i = 0; i < count; ++i) {
        out[2 * i] = digit(bytes[i] >> 4U);
        out[2 * i + 1] = digit(bytes[i] & 15U);
    }
}

inline constexpr std::uint8_t not_a_digit = 0xFF;

inline constexpr std::array<std::uint8_t, 256> values = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(not_a_digit);
    for (unsigned i = 0; i < 10; ++i) table['0' + i] = static_cast<std::uint8_t>(i);
    for (unsigned i = 0; i < 6; ++i) table['a' + i] = table['A' + i] = static_cast<std::uint8_t>(10 + i);
    return table;
}();

[[nodiscard]] constexpr std::uint8_t value(char digit) noexcept { return values[static_cast<unsigned char>(digit)]; }

// Reads digits of either case into as many bytes as they fill; false if one is none.
[[nodiscard]] inline bool read(std::string_view digits, std::uint8_t* out) noexcept
{
    unsigned bad = 0;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        const unsigned high = value(digits[i]);
        const unsigned low = value(digits[i + 1]);
        bad |= high | low;
        out[i / 2] = static_cast<std::uint8_t>(high << 4U | low);
    }
    return bad < 16;
}

} // namespace sluice::hex

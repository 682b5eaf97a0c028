// Hexadecimal digits: bytes to lower-case digits and back. Inside core only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::hex {

// Both are free of branches and tables, so the compiler makes vector code of them.

// Writes two digits for each of `count` bytes.
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

// Reads 2 * Count digits of either case; false if one of them is none.
template <std::size_t Count> [[nodiscard]] bool read(const char* digits, std::uint8_t* out) noexcept
{
    constexpr std::uint8_t not_a_digit = 0xFF;
    std::uint8_t nibbles[2 * Count];
    std::uint8_t all = 0;
    for (std::size_t i = 0; i < 2 * Count; ++i) {
        const auto decimal = static_cast<std::uint8_t>(digits[i] - '0');
        const auto letter = static_cast<std::uint8_t>((digits[i] | 0x20) - 'a');
        const auto of_letter = letter < 6 ? static_cast<std::uint8_t>(letter + 10) : not_a_digit;
        nibbles[i] = decimal < 10 ? decimal : of_letter;
        all |= nibbles[i];
    }
    for (std::size_t i = 0; i < Count; ++i)
        out[i] = static_cast<std::uint8_t>(nibbles[2 * i] << 4U | nibbles[2 * i + 1]);
    return all < 16;
}

} // namespace sluice::hex

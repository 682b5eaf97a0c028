// A JSON string (RFC 8259, section 7) made of any bytes: for those below the JSON layer that write a little of it.
// Bytes that are not UTF-8 become U+FFFD, so that the result is valid whatever came in.
#pragma once

#include <cstddef>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

// The length of the UTF-8 sequence (RFC 3629) that `text`, which is not empty, begins with; 0 if it begins with none.
[[nodiscard]] constexpr std::size_t utf8_sequence(std::string_view text) noexcept
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    if (first < 0xE0) return follows(1) ? 2 : 0;
    // The second byte's bounds keep out overlong forms, surrogates and what is above U+10FFFF.
    if (first < 0xF0) return follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
    const bool valid = follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3);
    return valid ? 4 : 0;
}

// Appends `text` with its quotes. `Out` is a string, or anything that appends a std::string_view.
template <class Out> void append_json_string(Out& out, std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    out.append(std::string_view("\""));
    while (!text.empty()) {
        std::size_t plain = 0;
        std::size_t length = 1;
        while (plain < text.size()) {
            const char c = text[plain];
            length = utf8_sequence(text.substr(plain));
            if (length == 0 || static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') break;
            plain += length;
        }
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) break;
        const auto code = static_cast<unsigned char>(text.front());
        if (length == 0) {
            out.append(std::string_view("\\ufffd"));
        } else if (code >= 0x20) {
            const char escaped[] = {'\\', text.front()};
            out.append(std::string_view(escaped, 2));
        } else {
            const char escaped[] = {'\\', 'u', '0', '0', digits[code >> 4U], digits[code & 15U]};
            out.append(std::string_view(escaped, 6));
        }
        text.remove_prefix(1);
    }
    out.append(std::string_view("\""));
}

} // namespace sluice

#pragma GCC visibility pop

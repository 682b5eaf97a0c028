// The fields of a head that the connection itself looks at, noted while its lines are read.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::http {

struct seen_fields
{
    std::string_view host;   // without data() if there is none; the last, if there are several
    std::string_view length; // Content-Length, in the same way
    bool second_host = false;
    bool second_length = false;
    bool coding = false; // Transfer-Encoding
    bool expect = false;
    bool connection = false;
};

// Compares a name with one in lower case of the same size. Both are tokens, in which bit 5 tells nothing but the case.
template <std::size_t Size>
[[nodiscard]] inline bool named(std::string_view name, const char (&lower_case)[Size]) noexcept
{
    bool equal = true;
    for (std::size_t i = 0; i < Size - 1; ++i) equal &= (name[i] | 0x20) == lower_case[i];
    return equal;
}

inline void note(seen_fields& seen, std::string_view name, std::string_view value) noexcept
{
    switch (name.size()) {
    case 4:
        if (named(name, "host")) {
            seen.second_host = seen.host.data() != nullptr;
            seen.host = value;
        }
        return;
    case 6:
        seen.expect |= named(name, "expect");
        return;
    case 10:
        seen.connection |= named(name, "connection");
        return;
    case 14:
        if (named(name, "content-length")) {
            seen.second_length = seen.length.data() != nullptr;
            seen.length = value;
        }
        return;
    case 17:
        seen.coding |= named(name, "transfer-encoding");
        return;
    default:
        return;
    }
}

} // namespace sluice::http

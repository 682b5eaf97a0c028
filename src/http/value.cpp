#include "http/characters.hpp"

#include <sluice/http/value.hpp>

#include <algorithm>

namespace sluice::http {

namespace {

bool decode(std::string_view text, pooled_string& out, bool plus_is_space)
{
    const std::string_view special = plus_is_space ? "%+" : "%";
    for (;;) {
        // What needs no decoding goes over in one piece.
        const std::size_t plain = std::min(text.find_first_of(special), text.size());
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) return true;
        if (text.front() == '+') {
            out.push_back(' ');
            text.remove_prefix(1);
        } else {
            if (!is_escape(text.data(), text.data() + text.size())) return false;
            out.push_back(static_cast<char>(hex_value(text[1]) * 16 + hex_value(text[2])));
            text.remove_prefix(3);
        }
    }
}

} // namespace

bool percent_decode(std::string_view text, pooled_string& out) { return decode(text, out, false); }
bool form_decode(std::string_view text, pooled_string& out) { return decode(text, out, true); }

} // namespace sluice::http

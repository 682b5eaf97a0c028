#include "http/characters.hpp"

#include <sluice/http/value.hpp>

namespace sluice::http {

namespace {

bool decode(std::string_view text, pooled_string& out, bool plus_is_space)
{
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at != end; ++at) {
        if (*at == '%') {
            if (!is_escape(at, end)) return false;
            out.push_back(static_cast<char>(hex_value(at[1]) * 16 + hex_value(at[2])));
            at += 2;
        } else {
            out.push_back(plus_is_space && *at == '+' ? ' ' : *at);
        }
    }
    return true;
}

} // namespace

bool percent_decode(std::string_view text, pooled_string& out) { return decode(text, out, false); }
bool form_decode(std::string_view text, pooled_string& out) { return decode(text, out, true); }

} // namespace sluice::http

#include "http/chunk_decoder.hpp"

#include "http/characters.hpp"
#include "http/refusals.hpp"

#include <algorithm>
#include <utility>

namespace sluice::http {

namespace {
constexpr unsigned size_digits_max = 16; // leading zeros included
} // namespace

void chunk_decoder::start(const chunk_limits& bounds) noexcept
{
    *this = chunk_decoder();
    bounds_ = bounds;
}

chunk_decoder::outcome chunk_decoder::next(const char*& at, const char* end) noexcept
{
    while (at != end) {
        if (state_ == state::data) {
            const std::size_t here = std::min<std::uint64_t>(left_, static_cast<std::uint64_t>(end - at));
            piece_ = {at, here};
            at += here;
            left_ -= here;
            if (left_ == 0) state_ = state::data_cr;
            return outcome::piece;
        }
        step(*at);
        if (refused_ != nullptr) return outcome::refused;
        ++at;
        if (ended_) return outcome::end;
    }
    return outcome::need_input;
}

void chunk_decoder::step(char c) noexcept
{
    switch (state_) {
    case state::size:
        return step_size(c);
    case state::size_lf:
        return c == '\n' ? begin_data() : refuse(refusals::malformed_chunk);
    case state::data_cr:
        state_ = state::data_lf;
        return c == '\r' ? void() : refuse(refusals::malformed_chunk);
    case state::data_lf:
        state_ = state::size;
        size_digits_ = 0;
        return c == '\n' ? void() : refuse(refusals::malformed_chunk);
    case state::trailer_begin:
    case state::trailer_name:
    case state::trailer_value:
    case state::trailer_lf:
    case state::last_lf:
        return step_trailer(c);
    default:
        return step_extension(c);
    }
}

void chunk_decoder::step_size(char c) noexcept
{
    const int digit = hex_value(c);
    if (digit >= 0) {
        if (++size_digits_ > size_digits_max) return refuse(refusals::malformed_chunk);
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return;
    }
    if (size_digits_ == 0) return refuse(refusals::malformed_chunk);
    state_ = state::extension;
    step_extension(c);
}

// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ) CRLF
void chunk_decoder::step_extension(char c) noexcept
{
    if (c != '\r' && ++extension_bytes_ > chunk_extension_bytes_max)
        return refuse(refusals::chunk_extensions_too_large);
    switch (state_) {
    case state::extension_quoted:
        if (c == '"')
            state_ = state::extension;
        else if (c == '\\')
            state_ = state::extension_escaped;
        else if (!is(c, value_class))
            refuse(refusals::malformed_chunk);
        return;
    case state::extension_escaped:
        state_ = state::extension_quoted;
        return is(c, value_class) ? void() : refuse(refusals::malformed_chunk);
    case state::extension_name_begin:
        if (is_blank(c)) return;
        state_ = state::extension_name;
        return is(c, token_class) ? void() : refuse(refusals::malformed_chunk);
    case state::extension_value_begin:
        if (is_blank(c)) return;
        state_ = c == '"' ? state::extension_quoted : state::extension_token;
        return c == '"' || is(c, token_class) ? void() : refuse(refusals::malformed_chunk);
    case state::extension_name:
    case state::extension_token:
        if (is(c, token_class)) return;
        state_ = state_ == state::extension_name ? state::extension_equals : state::extension;
        break;
    default:
        break;
    }
    // Behind a size, a name or a value. Blanks stand before ";" and "=" only.
    const bool after_blank = std::exchange(after_blank_, is_blank(c));
    if (c == '=' && state_ == state::extension_equals)
        state_ = state::extension_value_begin;
    else if (c == ';')
        state_ = state::extension_name_begin;
    else if (c == '\r' && !after_blank)
        state_ = state::size_lf;
    else if (!is_blank(c))
        refuse(refusals::malformed_chunk);
}

void chunk_decoder::begin_data() noexcept
{
    if (left_ > bounds_.body_bytes) return refuse(refusals::body_too_large);
    bounds_.body_bytes -= left_;
    state_ = left_ == 0 ? state::trailer_begin : state::data;
}

void chunk_decoder::step_trailer(char c) noexcept
{
    if (++trailer_bytes_ > bounds_.trailer_bytes) return refuse(refusals::fields_too_large);
    switch (state_) {
    case state::trailer_begin:
        if (c == '\r') {
            state_ = state::last_lf;
            return;
        }
        state_ = state::trailer_name;
        if (++trailer_fields_ > bounds_.trailer_fields) return refuse(refusals::too_many_fields);
        return is(c, token_class) ? void() : refuse(refusals::malformed_trailer);
    case state::trailer_name:
        if (c == ':')
            state_ = state::trailer_value;
        else if (!is(c, token_class))
            refuse(refusals::malformed_trailer);
        return;
    case state::trailer_value:
        if (c == '\r')
            state_ = state::trailer_lf;
        else if (!is(c, value_class))
            refuse(refusals::malformed_trailer);
        return;
    case state::trailer_lf:
        state_ = state::trailer_begin;
        return c == '\n' ? void() : refuse(refusals::malformed_trailer);
    default: // last_lf
        ended_ = true;
        return c == '\n' ? void() : refuse(refusals::malformed_trailer);
    }
}

} // namespace sluice::http

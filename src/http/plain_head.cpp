#include "http/plain_head.hpp"

#include "http/characters.hpp"

#include <sluice/http/request_parts.hpp>

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sluice::http {

namespace {

constexpr std::string_view version = " HTTP/1.1\r\n";

// Visible ASCII and the space.
constexpr bool is_plain_value(char c) noexcept { return c >= 0x20 && c < 0x7F; }
constexpr bool is_plain_name(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-';
}

#if defined(__SSE2__)

constexpr std::ptrdiff_t stride = 16;

__m128i load(const char* at) noexcept { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
__m128i within(__m128i bytes, char first, char last) noexcept
{
    return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(first - 1))),
                         _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(last + 1))));
}
// One bit for each byte that is not plain. Bytes above 0x7F are negative, so the comparisons leave them out.
unsigned odd_in_value(const char* at) noexcept
{
    const __m128i bytes = load(at);
    const __m128i plain =
        _mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7F)), _mm_cmpgt_epi8(bytes, _mm_set1_epi8(0x1F)));
    return static_cast<unsigned>(_mm_movemask_epi8(plain)) ^ 0xFFFFU;
}
__m128i letters_of(__m128i bytes) noexcept { return within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z'); }
unsigned odd_in_name(const char* at) noexcept
{
    const __m128i bytes = load(at);
    const __m128i others = _mm_or_si128(within(bytes, '0', '9'), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(letters_of(bytes), others))) ^ 0xFFFFU;
}
// Of a path's bytes the most frequent: letters, and "-", ".", "/" and the digits, which ASCII has side by side.
unsigned odd_in_path(const char* at) noexcept
{
    const __m128i bytes = load(at);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(letters_of(bytes), within(bytes, '-', '9')))) ^ 0xFFFFU;
}

template <unsigned (*Odd)(const char*) noexcept> const char* stride_over(const char* at, const char* end) noexcept
{
    while (end - at >= stride) {
        const unsigned odd = Odd(at);
        if (odd != 0) return at + __builtin_ctz(odd);
        at += stride;
    }
    return at;
}
const char* stride_over_value(const char* at, const char* end) noexcept { return stride_over<odd_in_value>(at, end); }
const char* stride_over_name(const char* at, const char* end) noexcept { return stride_over<odd_in_name>(at, end); }
const char* stride_over_path(const char* at, const char* end) noexcept { return stride_over<odd_in_path>(at, end); }

#else

const char* stride_over_value(const char* at, const char*) noexcept { return at; }
const char* stride_over_name(const char* at, const char*) noexcept { return at; }
const char* stride_over_path(const char* at, const char*) noexcept { return at; }

#endif

// The first byte that is not plain; one always is, since the callers' ranges end with a line.
const char* value_end(const char* at, const char* end) noexcept
{
    at = stride_over_value(at, end);
    while (at != end && is_plain_value(*at)) ++at;
    return at;
}
const char* name_end(const char* at, const char* end) noexcept
{
    at = stride_over_name(at, end);
    while (at != end && is_plain_name(*at)) ++at;
    return at;
}

bool skip_text(const char*& at, const char* end, std::string_view text) noexcept
{
    if (end - at < static_cast<std::ptrdiff_t>(text.size()) || std::memcmp(at, text.data(), text.size()) != 0)
        return false;
    at += text.size();
    return true;
}

bool read_method(request& r, const char*& at, const char* end) noexcept
{
    method m{};
    if (skip_text(at, end, "GET "))
        m = method::get;
    else if (skip_text(at, end, "POST "))
        m = method::post;
    else if (skip_text(at, end, "PUT "))
        m = method::put;
    else if (skip_text(at, end, "PATCH "))
        m = method::patch;
    else if (skip_text(at, end, "DELETE "))
        m = method::delete_;
    else
        return false;
    request::parts::method(r) = m;
    return true;
}

bool read_plain_target(request& r, const char*& at, const char* end, std::size_t bytes_max) noexcept
{
    const char* const begin = at;
    if (at == end || *at != '/') return false;
    at = stride_over_path(at, end);
    while (at != end && is(*at, path_class)) ++at;
    request::parts::path(r) = {begin, at};
    request::parts::query(r) = {};
    if (at != end && *at == '?') {
        const char* const query = ++at;
        while (at != end && is(*at, query_class)) ++at;
        request::parts::query(r) = {query, at};
    }
    request::parts::target(r) = {begin, at};
    return static_cast<std::size_t>(at - begin) <= bytes_max;
}

} // namespace

const char* read_plain_head(request& r, const char* begin, const char* end, const limits& bounds, framing& frame)
{
    if (end - begin > static_cast<std::ptrdiff_t>(bounds.header_bytes)) end = begin + bounds.header_bytes;
    const char* at = begin;
    if (!read_method(r, at, end) || !read_plain_target(r, at, end, bounds.uri_bytes) || !skip_text(at, end, version)) {
        return nullptr;
    }
    request::parts::version_minor(r) = 1;
    request::parts::host(r) = {};
    http::headers& fields = request::parts::headers(r);
    fields.clear();
    seen_fields seen;
    for (;;) {
        if (end - at < 2) return nullptr;
        if (at[0] == '\r') break;
        const char* const colon = name_end(at, end);
        if (colon == at || colon == end || *colon != ':' || fields.size() == bounds.headers) return nullptr;
        const char* value = colon + 1;
        while (value != end && *value == ' ') ++value;
        const char* const line_end = value_end(value, end);
        if (end - line_end < 2 || line_end[0] != '\r' || line_end[1] != '\n') return nullptr;
        const char* last = line_end;
        while (last != value && last[-1] == ' ') --last;
        const std::string_view name(at, colon);
        const std::string_view trimmed_value(value, last);
        fields.add(name, trimmed_value);
        note(seen, name, trimmed_value);
        at = line_end + 2;
    }
    return at[1] == '\n' && check_message(r, seen, frame) == nullptr ? at + 2 : nullptr;
}

} // namespace sluice::http

// The field lines of a head, of a request or of an answer, once llhttp has found their names and values: is each line
// framed as the grammar wants it? And the one number that frames a body.
#pragma once

#include "http/refusal.hpp"
#include "http/seen_fields.hpp"

#include <sluice/http/headers.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::http {

// Each line is name ":" blanks value blanks CR LF, one right behind the other, from `at` up to the empty line that ends
// `head`. Trims the values and notes the fields. Null, or why it is refused.
[[nodiscard]] const refusal* check_field_lines(std::span<header> fields, const char* at, std::string_view head,
                                               seen_fields& seen) noexcept;

// Content-Length: digits only, within 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_length(std::string_view text) noexcept;

} // namespace sluice::http

// Numbers that are correct JSON and too large for the parser, which takes them for malformed: a text in which each is
// replaced by something that it can hold. The rare way; the reader says "out of range" where it meets one.
#pragma once

#include <sluice/core/pool.hpp>

#include <string_view>

namespace sluice::json_detail {

// Stands for a number that no double can hold.
inline constexpr double number_beyond = 1e308;

struct held_text
{
    pooled_string text;
    bool beyond = false; // number_beyond stands for a number in it: a document that has one is refused in any case
};

// An integer beyond 64 bits becomes a double (it gets an exponent of 0); a number beyond a double becomes
// number_beyond. Everything else stays, what is malformed included.
[[nodiscard]] held_text hold_large_numbers(std::string_view text);

} // namespace sluice::json_detail

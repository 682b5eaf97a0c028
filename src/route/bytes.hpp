// Comparing a few bytes without a call: path segments are mostly shorter than sixteen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice::route_detail {

template <class Word> [[nodiscard]] inline bool same_words(const char* a, const char* b, std::size_t size) noexcept
{
    // The first and the last word, which overlap.
    Word a_first, b_first, a_last, b_last;
    std::memcpy(&a_first, a, sizeof(Word));
    std::memcpy(&b_first, b, sizeof(Word));
    std::memcpy(&a_last, a + size - sizeof(Word), sizeof(Word));
    std::memcpy(&b_last, b + size - sizeof(Word), sizeof(Word));
    return ((a_first ^ b_first) | (a_last ^ b_last)) == 0;
}

[[nodiscard]] inline bool same_bytes(const char* a, const char* b, std::size_t size) noexcept
{
    if (size > 16) return std::memcmp(a, b, size) == 0;
    if (size >= 8) return same_words<std::uint64_t>(a, b, size);
    if (size >= 4) return same_words<std::uint32_t>(a, b, size);
    for (std::size_t i = 0; i < size; ++i)
        if (a[i] != b[i]) return false;
    return true;
}

} // namespace sluice::route_detail

// The chunked transfer coding (RFC 9112, section 7.1) as a state machine: the wire's bytes in, pieces of the body out.
//
// Chunk extensions are checked and ignored, trailer fields are checked and dropped, and both are bounded: neither costs
// memory. Every byte is looked at once, except a chunk's data, which is handed on as a view. Owned by the connection.
#pragma once

#include "http/refusal.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::http {

struct chunk_limits
{
    std::uint64_t body_bytes = 0;
    std::size_t trailer_bytes = 0;
    std::size_t trailer_fields = 0;
};
// Of all extensions of one message together.
inline constexpr std::size_t chunk_extension_bytes_max = 4096;

class chunk_decoder
{
public:
    enum class outcome : std::uint8_t
    {
        need_input, // all bytes are used up
        piece,      // piece() is the next part of the body
        end,        // the body and its trailer are complete
        refused,    // refused() says why
    };

    void start(const chunk_limits& bounds) noexcept;
    // Goes on at `at` and leaves it behind the last byte used.
    [[nodiscard]] outcome next(const char*& at, const char* end) noexcept;
    [[nodiscard]] std::string_view piece() const noexcept { return piece_; }
    [[nodiscard]] const refusal* refused() const noexcept { return refused_; }

private:
    enum class state : std::uint8_t
    {
        size,
        extension, // behind a size or an extension: blanks, ";" or the line's end
        extension_name_begin,
        extension_name,
        extension_equals, // behind a name: blanks, "=", ";" or the line's end
        extension_value_begin,
        extension_token,
        extension_quoted,
        extension_escaped,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_begin, // of a line
        trailer_name,
        trailer_value,
        trailer_lf,
        last_lf,
    };

    void step(char c) noexcept;
    void step_size(char c) noexcept;
    void step_extension(char c) noexcept;
    void step_trailer(char c) noexcept;
    void begin_data() noexcept;
    void refuse(const refusal& why) noexcept { refused_ = &why; }

    chunk_limits bounds_;
    state state_ = state::size;
    bool ended_ = false;
    bool after_blank_ = false;
    std::uint8_t size_digits_ = 0;
    std::uint64_t left_ = 0; // of the current chunk
    std::size_t extension_bytes_ = 0;
    std::size_t trailer_bytes_ = 0;
    std::size_t trailer_fields_ = 0;
    std::string_view piece_;
    const refusal* refused_ = nullptr;
};

} // namespace sluice::http

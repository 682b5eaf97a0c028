// The writer: JSON text at the end of a string, piece by piece.
//
// It puts down what it is told and knows no grammar: write_json (write.hpp) does. Strings come out valid whatever is in
// them: escaped where JSON demands it, and what is not UTF-8 replaced by U+FFFD. While a writer lives the string is its
// own; finish() hands it back. Memory: the string's, grown by doubling.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/timestamp.hpp>
#include <sluice/core/uuid.hpp>

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

class json_writer
{
public:
    // Appends to `out`; `expected` bytes are made room for at once.
    json_writer(pooled_string& out, std::size_t expected) : out_(out), used_(out.size()) { grow(expected); }
    json_writer(const json_writer&) = delete;
    json_writer& operator=(const json_writer&) = delete;
    ~json_writer() { finish(); }
    void finish() noexcept { out_.resize(used_); }

    // JSON text as it is.
    void raw(std::string_view text)
    {
        std::memcpy(room(text.size()), text.data(), text.size());
        used_ += text.size();
    }
    void raw(char c)
    {
        *room(1) = c;
        ++used_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return used_; }
    // Takes back the last byte.
    void back() noexcept { --used_; }

    void string(std::string_view text);
    void boolean(bool value) { raw(value ? std::string_view("true") : std::string_view("false")); }
    void null() { raw("null"); }
    template <std::integral T> void number(T value)
    {
        char* at = room(24);
        used_ += static_cast<std::size_t>(std::to_chars(at, at + 24, value).ptr - at);
    }
    // The shortest text that reads back as the same value; null for what JSON has no number for.
    template <std::floating_point T> void number(T value)
    {
        if (!std::isfinite(value)) return null();
        char* at = room(64);
        used_ += static_cast<std::size_t>(std::to_chars(at, at + 64, value).ptr - at);
    }
    void id(const uuid& value)
    {
        char* at = room(38);
        at[0] = '"';
        value.write(at + 1);
        at[37] = '"';
        used_ += 38;
    }
    void time(timestamp value)
    {
        char* at = room(timestamp_size + 2);
        at[0] = '"';
        write_timestamp(value, at + 1);
        at[timestamp_size + 1] = '"';
        used_ += timestamp_size + 2;
    }

private:
    [[nodiscard]] char* room(std::size_t bytes)
    {
        if (out_.size() - used_ < bytes) [[unlikely]]
            grow(bytes);
        return out_.data() + used_;
    }
    void grow(std::size_t bytes);
    void escaped(std::string_view text);

    pooled_string& out_; // as long as its memory; only `used_` bytes of it count
    std::size_t used_;
};

} // namespace sluice

#pragma GCC visibility pop

// The reader: a JSON text, taken apart as far as its syntax goes. read_json (read.hpp) gives its parts their types.
//
// simdjson's DOM checks the whole text before anything is handed out, and its memory is this thread's, used again by
// the next text; so there is one document a thread at a time (nothing may wait between parse() and the last look at a
// value), and a text of ordinary size allocates nothing in steady state. Values and text are views into it.
#pragma once

#include <sluice/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

inline constexpr std::size_t json_depth_max = 64;

class json_members;
class json_elements;

class json_value
{
public:
    json_value() noexcept = default; // of nothing: to be assigned

    // Each gives nothing if the value is of another type.
    [[nodiscard]] std::optional<std::string_view> string() const noexcept;
    [[nodiscard]] std::optional<bool> boolean() const noexcept;
    // Infinite if it is beyond what a double can hold.
    [[nodiscard]] std::optional<double> number() const noexcept;
    [[nodiscard]] std::optional<json_members> object() const noexcept;
    [[nodiscard]] std::optional<json_elements> array() const noexcept;
    [[nodiscard]] bool null() const noexcept;

    // A number without fraction and exponent that 64 bits can hold.
    struct integer_parts
    {
        std::uint64_t magnitude;
        bool negative;
    };
    [[nodiscard]] std::optional<integer_parts> integer() const noexcept;

private:
    friend class json_members;
    friend class json_elements;
    friend result<json_value> parse_json(std::string_view text);
    json_value(const void* document, std::size_t place) noexcept : document_(document), place_(place) {}

    const void* document_ = nullptr;
    std::size_t place_ = 0;
};

// The members of an object, in their order; a name may come twice.
class json_members
{
public:
    // False at the end.
    [[nodiscard]] bool next(std::string_view& name, json_value& value) noexcept;

private:
    friend class json_value;
    json_members(const void* document, std::size_t at, std::size_t end) noexcept
        : document_(document), at_(at), end_(end)
    {}
    const void* document_;
    std::size_t at_, end_;
};

class json_elements
{
public:
    [[nodiscard]] bool next(json_value& value) noexcept;

private:
    friend class json_value;
    json_elements(const void* document, std::size_t at, std::size_t end) noexcept
        : document_(document), at_(at), end_(end)
    {}
    const void* document_;
    std::size_t at_, end_;
};

// errc::malformed if the whole of `text` is not one JSON document, or is nested deeper than json_depth_max.
[[nodiscard]] result<json_value> parse_json(std::string_view text);

} // namespace sluice

#pragma GCC visibility pop

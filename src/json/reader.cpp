#include "json/numbers.hpp"

#include <sluice/core/buffer.hpp>
#include <sluice/json/reader.hpp>

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>

namespace sluice {

namespace {

using simdjson::error_code;
using simdjson::internal::tape_ref;
using simdjson::internal::tape_type;

constexpr std::size_t capacity_min = 4096;
// A parser that has grown beyond this for one large text gives its memory back at the next ordinary one.
constexpr std::size_t capacity_kept_max = 65536;

struct thread_parser
{
    simdjson::dom::parser parser;
    buffer padded; // the text, with the padding that the parser may read
    std::size_t capacity = 0;
    bool beyond = false; // number_beyond stands for a number that no double holds

    error_code parse(std::string_view text)
    {
        if (const error_code failure = make_room(text.size())) return failure;
        padded.clear();
        static_cast<void>(padded.reserve(text.size() + simdjson::SIMDJSON_PADDING));
        padded.append(text);
        return parser.parse(padded.data(), padded.size(), false).error();
    }

private:
    error_code make_room(std::size_t size)
    {
        if (capacity > capacity_kept_max && size <= capacity_kept_max) {
            parser = simdjson::dom::parser();
            padded.reset();
            capacity = 0;
        }
        if (capacity >= size && capacity != 0) return simdjson::SUCCESS;
        const std::size_t wanted = std::bit_ceil(std::max(size, capacity_min));
        if (const error_code failure = parser.allocate(wanted, json_depth_max)) return failure;
        if (const error_code failure = parser.doc.allocate(wanted)) return failure;
        capacity = wanted;
        return simdjson::SUCCESS;
    }
};

thread_parser& parser_of_thread()
{
    static thread_local thread_parser parser;
    return parser;
}

std::string_view describe(error_code failure)
{
    switch (failure) {
    case simdjson::EMPTY:
        return "A JSON document is expected";
    case simdjson::UTF8_ERROR:
        return "The JSON is not valid UTF-8";
    case simdjson::DEPTH_ERROR:
        return "The JSON is nested too deeply";
    case simdjson::STRING_ERROR:
    case simdjson::UNESCAPED_CHARS:
    case simdjson::UNCLOSED_STRING:
        return "The JSON has a malformed string";
    case simdjson::NUMBER_ERROR:
        return "The JSON has a malformed number";
    default:
        return "The JSON is malformed";
    }
}

tape_ref at(const void* document, std::size_t place) noexcept
{
    return {static_cast<const simdjson::dom::document*>(document), place};
}

} // namespace

result<json_value> parse_json(std::string_view text)
{
    thread_parser& own = parser_of_thread();
    own.beyond = false;
    error_code failure = own.parse(text);
    if (failure == simdjson::NUMBER_ERROR) {
        // It may be malformed, or correct and too large for simdjson to hold; the second is not a fault of syntax.
        const json_detail::held_text readable = json_detail::hold_large_numbers(text);
        own.beyond = readable.beyond;
        failure = own.parse(readable.text);
    }
    if (failure == simdjson::MEMALLOC) throw std::bad_alloc();
    if (failure != simdjson::SUCCESS) return fail(errc::malformed, std::string(describe(failure)));
    return json_value(&own.parser.doc, 1); // place 0 is the document itself
}

std::optional<std::string_view> json_value::string() const noexcept
{
    const tape_ref self = at(document_, place_);
    if (self.tape_ref_type() != tape_type::STRING) return std::nullopt;
    return self.get_string_view();
}

std::optional<bool> json_value::boolean() const noexcept
{
    const tape_ref self = at(document_, place_);
    if (self.is_true()) return true;
    if (self.is_false()) return false;
    return std::nullopt;
}

std::optional<double> json_value::number() const noexcept
{
    const tape_ref self = at(document_, place_);
    if (self.is_double()) {
        const auto value = self.next_tape_value<double>();
        if (value == json_detail::number_beyond && parser_of_thread().beyond)
            return std::numeric_limits<double>::infinity();
        return value;
    }
    if (self.is_int64()) return static_cast<double>(self.next_tape_value<std::int64_t>());
    if (self.is_uint64()) return static_cast<double>(self.next_tape_value<std::uint64_t>());
    return std::nullopt;
}

std::optional<json_value::integer_parts> json_value::integer() const noexcept
{
    const tape_ref self = at(document_, place_);
    if (self.is_uint64()) return integer_parts{self.next_tape_value<std::uint64_t>(), false};
    if (!self.is_int64()) return std::nullopt;
    const auto value = self.next_tape_value<std::int64_t>();
    const auto bits = static_cast<std::uint64_t>(value);
    return integer_parts{value < 0 ? 0 - bits : bits, value < 0};
}

bool json_value::null() const noexcept { return at(document_, place_).is_null_on_tape(); }

std::optional<json_members> json_value::object() const noexcept
{
    const tape_ref self = at(document_, place_);
    if (self.tape_ref_type() != tape_type::START_OBJECT) return std::nullopt;
    return json_members(document_, place_ + 1, self.after_element() - 1);
}

std::optional<json_elements> json_value::array() const noexcept
{
    const tape_ref self = at(document_, place_);
    if (self.tape_ref_type() != tape_type::START_ARRAY) return std::nullopt;
    return json_elements(document_, place_ + 1, self.after_element() - 1);
}

bool json_members::next(std::string_view& name, json_value& value) noexcept
{
    if (at_ == end_) return false;
    name = at(document_, at_).get_string_view();
    value = json_value(document_, at_ + 1);
    at_ = at(document_, at_ + 1).after_element();
    return true;
}

bool json_elements::next(json_value& value) noexcept
{
    if (at_ == end_) return false;
    value = json_value(document_, at_);
    at_ = at(document_, at_).after_element();
    return true;
}

} // namespace sluice

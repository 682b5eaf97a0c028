#include <sluice/core/assert.hpp>
#include <sluice/redis/command_line.hpp>

#include <array>
#include <charconv>

namespace sluice::redis {

namespace {

using digits = std::array<char, 24>;

template <class Number> std::string_view decimal(digits& into, Number number)
{
    const auto end = std::to_chars(into.data(), into.data() + into.size(), number).ptr;
    return {into.data(), static_cast<std::size_t>(end - into.data())};
}

void write_length(buffer& into, char kind, std::size_t length)
{
    digits room;
    into.push_back(kind);
    into.append(decimal(room, length));
    into.append("\r\n");
}

} // namespace

command_line::command_line(std::size_t arguments) : missing_(arguments)
{
    SLUICE_ASSERT(arguments > 0);
    write_length(bytes_, '*', arguments);
}

void command_line::add(std::string_view argument)
{
    SLUICE_ASSERT(missing_ > 0);
    --missing_;
    write_length(bytes_, '$', argument.size());
    bytes_.append(argument);
    bytes_.append("\r\n");
}

void command_line::replace(std::string_view argument, std::string_view by)
{
    SLUICE_ASSERT(argument.size() == by.size());
    const auto at = bytes_.view().find(argument);
    SLUICE_ASSERT(at != std::string_view::npos);
    by.copy(bytes_.data() + at, by.size());
}

void command_line::add_signed(long long number)
{
    digits room;
    add(decimal(room, number));
}

void command_line::add_unsigned(unsigned long long number)
{
    digits room;
    add(decimal(room, number));
}

} // namespace sluice::redis

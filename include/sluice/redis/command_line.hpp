// A command as Redis reads it (RESP2: an array of strings), written once and at once.
//
//     auto set = command_line::of("SET", key, value, "PX", 5000);
//
// Whoever makes one need not keep the arguments. It neither knows commands nor splits words: each argument is one, and
// may hold any bytes. Movable; owned by who makes it, until a client takes it.
#pragma once

#include <sluice/core/buffer.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::redis {

class command_line
{
public:
    // Of so many arguments, the name included; each is then added.
    explicit command_line(std::size_t arguments);

    template <class... T> [[nodiscard]] static command_line of(const T&... arguments)
    {
        command_line made(sizeof...(arguments));
        (made.add(arguments), ...);
        return made;
    }

    void add(std::string_view argument);
    template <std::integral T>
        requires(!std::same_as<T, bool> && !std::same_as<T, char>) // which word would they be?
    void add(T number)
    {
        if constexpr (std::signed_integral<T>)
            add_signed(number);
        else
            add_unsigned(number);
    }
    // The first argument that reads like this becomes another of the same size.
    void replace(std::string_view argument, std::string_view by);

    // Have as many been added as were announced?
    [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }
    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_.view(); }

private:
    void add_signed(long long number);
    void add_unsigned(unsigned long long number);

    buffer bytes_;
    std::size_t missing_;
};

} // namespace sluice::redis

#pragma GCC visibility pop

// UUIDs (RFC 9562): version 7 made here, any version read.
#pragma once

#include <sluice/core/clock.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

struct uuid
{
    std::array<std::uint8_t, 16> bytes{};

    // A version 7 UUID: milliseconds, then a counter and random bits, so that ids made by one thread always ascend.
    [[nodiscard]] static uuid make_v7(timestamp now) noexcept;
    // The 36-character form, in either case; nothing else.
    [[nodiscard]] static std::optional<uuid> parse(std::string_view text) noexcept;
    // 36 characters, lower case, at `out`.
    void write(char* out) const noexcept;
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const uuid&, const uuid&) = default;
};

} // namespace sluice

template <> struct std::hash<sluice::uuid>
{
    std::size_t operator()(const sluice::uuid& id) const noexcept;
};

#pragma GCC visibility pop

// What a look-up of cached bytes gives, and who waits for it. Values of one shard.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/core/stages.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::cache {

// Where a value came from, the nearest first.
enum class tier : std::uint8_t
{
    none,
    first,
    second,
    source, // the loader
};

// "none", "l1", "l2", "miss": as log lines and metrics call it.
[[nodiscard]] constexpr std::string_view name(tier t) noexcept
{
    constexpr std::array<std::string_view, 4> names = {"none", "l1", "l2", "miss"};
    return names[static_cast<std::size_t>(t)];
}

struct answer
{
    std::string_view value = {}; // valid during the call that brings it
    bool absent = false;         // there is no such thing, which is known as well
    tier from = tier::none;
    time_point fresh_until = {};
    std::optional<error> failure = {};
    time_point began = never; // the load; never: there was none
    stage_times spent = {};   // by it
};

// Who waits for a flight; unlinks itself to leave.
struct waiter : list_node<waiter>
{
    using function = void (*)(waiter&, const answer&);
    explicit waiter(function f) noexcept : ended(f) {}
    function ended;
};

// Who waits for invalidations to be confirmed everywhere.
struct invalidation_waiter
{
    using function = void (*)(invalidation_waiter&);
    explicit invalidation_waiter(function f) noexcept : confirmed(f) {}
    function confirmed; // of one of them
};

} // namespace sluice::cache

#pragma GCC visibility pop

// Which keys left the small queue lately, without their values: one of them that comes again belongs into the main one.
//
// A fingerprint of 16 bits and the time of leaving for each, in lines of 16 that forget their oldest. Time is counted
// in units that have left unused: a ghost is remembered while what left after it would fill the main queue once. One
// key in four thousand is taken for another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::cache {

class ghosts
{
public:
    static constexpr std::size_t line_bytes = 64;

    // `memory` is zeroed and outlives it. `span`: how many units are remembered.
    ghosts(void* memory, std::uint32_t lines, std::uint32_t span) noexcept;

    enum class age : std::uint8_t
    {
        forgotten, // or never there
        old,
        young, // not much has left since: three eighths of what is remembered at most
    };

    void add(std::uint64_t hash, std::uint32_t units) noexcept;
    // Something has left that is not to be remembered.
    void pass(std::uint32_t units) noexcept { units_left_ += units; }
    // How long ago did it leave? It is forgotten then.
    [[nodiscard]] age take(std::uint64_t hash) noexcept;

    void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&line_of(hash), 1); }

private:
    struct ghost
    {
        std::uint16_t fingerprint;
        std::uint16_t left_at; // 0: nobody
    };
    struct line
    {
        ghost places[line_bytes / sizeof(ghost)];
    };
    // A span is this many ticks; left_at counts ticks, and comes round after 256 spans.
    static constexpr std::uint32_t ticks = 256;
    static constexpr std::uint32_t young_ticks = ticks * 3 / 8;

    [[nodiscard]] line& line_of(std::uint64_t hash) const noexcept
    {
        return lines_[std::uint64_t{static_cast<std::uint32_t>(hash >> 16)} * count_ >> 32];
    }
    static std::uint16_t fingerprint_of(std::uint64_t hash) noexcept { return static_cast<std::uint16_t>(hash >> 8); }
    [[nodiscard]] std::uint16_t now() const noexcept
    {
        return static_cast<std::uint16_t>(units_left_ / tick_units_ + 1);
    }

    line* lines_;
    std::uint32_t count_;
    std::uint32_t tick_units_;
    std::uint64_t units_left_ = 0;
};

} // namespace sluice::cache

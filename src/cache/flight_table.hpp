// The flights of a shard that may still be joined, by key. A fixed number of chains: no allocation, and the number of
// flights is bounded by its owner, who says by how many.
#pragma once

#include "cache/packet.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice::cache {

class flight_table
{
public:
    explicit flight_table(std::size_t flights_max)
        : count_(std::bit_ceil(std::clamp<std::size_t>(flights_max / flights_a_chain, 1, chains_max))),
          chains_(std::make_unique<chain[]>(count_))
    {}

    // Of several the latest.
    [[nodiscard]] flight* find(std::uint64_t hash, std::string_view key) noexcept
    {
        flight* found = nullptr;
        of(hash).for_each([&](flight& f) {
            if (f.hash == hash && f.key == key) found = &f;
        });
        return found;
    }
    void add(flight& f) noexcept { of(f.hash).push_back(f); }
    static void remove(flight& f) noexcept { static_cast<list_node<in_table>&>(f).unlink(); }

    template <class F> void for_each(F f)
    {
        for (std::size_t i = 0; i < count_; ++i) chains_[i].for_each(f);
    }

private:
    using chain = intrusive_list<flight, in_table>;
    static constexpr std::size_t flights_a_chain = 16; // at the bound
    static constexpr std::size_t chains_max = 1024;
    // The low bits choose the home, so these are others.
    [[nodiscard]] chain& of(std::uint64_t hash) noexcept { return chains_[(hash >> 32) & (count_ - 1)]; }

    std::size_t count_; // a power of two
    std::unique_ptr<chain[]> chains_;
};

} // namespace sluice::cache

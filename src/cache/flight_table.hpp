// The flights of a shard that may still be joined, by key. A fixed number of chains: no allocation, and the number of
// flights is bounded by its owner.
#pragma once

#include "cache/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice::cache {

class flight_table
{
public:
    flight_table() : chains_(std::make_unique<chain[]>(chain_count)) {}

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
        for (std::size_t i = 0; i < chain_count; ++i) chains_[i].for_each(f);
    }

private:
    using chain = intrusive_list<flight, in_table>;
    static constexpr std::size_t chain_count = 1024;
    // The low bits choose the home, so these are others.
    [[nodiscard]] chain& of(std::uint64_t hash) noexcept { return chains_[(hash >> 32) % chain_count]; }

    std::unique_ptr<chain[]> chains_;
};

} // namespace sluice::cache

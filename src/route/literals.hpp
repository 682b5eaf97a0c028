// Patterns without parameters, found by one look at the whole path: in front of the tree, since a whole literal path
// always wins there, and most requests of a benchmark and many of an API are such. Compiled once and read-only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::route_detail {

class literal_table
{
public:
    static constexpr std::uint32_t none = UINT32_MAX;

    // Room for `count` paths; before the first add().
    void reserve(std::size_t count);
    void add(std::string_view path, std::uint32_t endpoint);
    // The endpoint of exactly this path, or none.
    [[nodiscard]] std::uint32_t find(std::string_view path) const noexcept;

private:
    struct slot
    {
        std::uint32_t hash = 0; // the high half, so that another path is rarely compared
        std::uint32_t endpoint = none;
        std::uint32_t text = 0; // in text_
        std::uint32_t size = 0;
    };

    // Which sizes there are, those from 63 on as one: most paths with parameters are told by it alone.
    [[nodiscard]] static std::uint64_t size_bit(std::size_t size) noexcept
    {
        return std::uint64_t{1} << std::min<std::size_t>(size, 63);
    }

    std::uint64_t sizes_ = 0;
    std::vector<slot> slots_; // a power of two, at most half of them taken
    std::string text_;
};

} // namespace sluice::route_detail

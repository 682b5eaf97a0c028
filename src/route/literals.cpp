#include "route/literals.hpp"

#include "route/bytes.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/core/hash.hpp>

#include <bit>

namespace sluice::route_detail {

void literal_table::reserve(std::size_t count)
{
    SLUICE_ASSERT(slots_.empty());
    slots_.resize(std::bit_ceil(2 * count + 1));
}

void literal_table::add(std::string_view path, std::uint32_t endpoint)
{
    const std::uint64_t hash = hash_bytes(path);
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].endpoint != none) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {.hash = static_cast<std::uint32_t>(hash >> 32),
                  .endpoint = endpoint,
                  .text = static_cast<std::uint32_t>(text_.size()),
                  .size = static_cast<std::uint32_t>(path.size())};
    text_ += path;
    sizes_ |= size_bit(path.size());
}

std::uint32_t literal_table::find(std::string_view path) const noexcept
{
    if ((sizes_ & size_bit(path.size())) == 0) return none;
    const std::uint64_t hash = hash_bytes(path);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const slot& one = slots_.data()[at];
        if (one.endpoint == none) return none;
        if (one.hash == static_cast<std::uint32_t>(hash >> 32) && one.size == path.size() &&
            same_bytes(path.data(), text_.data() + one.text, path.size()))
            return one.endpoint;
    }
}

} // namespace sluice::route_detail

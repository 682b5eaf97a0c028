#include <sluice/core/hash.hpp>
#include <sluice/core/random.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sluice {

std::uint64_t hash_bytes(std::string_view bytes) noexcept
{
    // One for the process, so that every shard finds the same home for a key.
    static const std::uint64_t seed = random_bits();
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

name_hash hash_name(std::string_view bytes) noexcept
{
    const XXH128_hash_t made = XXH3_128bits(bytes.data(), bytes.size());
    return {.high = made.high64, .low = made.low64};
}

} // namespace sluice

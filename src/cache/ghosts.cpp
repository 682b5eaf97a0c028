#include "cache/ghosts.hpp"

#include <algorithm>

namespace sluice::cache {

ghosts::ghosts(void* memory, std::uint32_t lines, std::uint32_t span) noexcept
    : lines_(static_cast<line*>(memory)), count_(lines), tick_units_(std::max(span / ticks, 1U))
{}

void ghosts::add(std::uint64_t hash, std::uint32_t units) noexcept
{
    units_left_ += units;
    const std::uint16_t time = now();
    ghost* oldest = nullptr;
    int oldest_ticks = -1;
    for (ghost& one : line_of(hash).places) {
        const int ticks_ago = one.left_at == 0 ? ticks * ticks : static_cast<std::uint16_t>(time - one.left_at);
        if (ticks_ago > oldest_ticks) oldest = &one, oldest_ticks = ticks_ago;
    }
    *oldest = {.fingerprint = fingerprint_of(hash), .left_at = time};
}

ghosts::age ghosts::take(std::uint64_t hash) noexcept
{
    const std::uint16_t time = now(), fingerprint = fingerprint_of(hash);
    for (ghost& one : line_of(hash).places) {
        if (one.fingerprint != fingerprint || one.left_at == 0) continue;
        const auto since = static_cast<std::uint16_t>(time - one.left_at);
        one.left_at = 0;
        if (since > ticks) break;
        return since <= young_ticks ? age::young : age::old;
    }
    return age::forgotten;
}

} // namespace sluice::cache

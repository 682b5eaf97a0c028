#include <sluice/core/assert.hpp>
#include <sluice/core/random.hpp>
#include <sluice/core/thread_local.hpp>

#include <sys/random.h>

#include <bit>
#include <cerrno>

namespace sluice {

namespace {

// All zeros is the one state that the generator never reaches: here it means not seeded yet.
SLUICE_THREAD_LOCAL thread_local std::uint64_t state[4] = {};

[[gnu::cold]] void seed() noexcept
{
    while ((state[0] | state[1] | state[2] | state[3]) == 0) {
        const ssize_t got = ::getrandom(state, sizeof state, 0);
        SLUICE_ASSERT(got == static_cast<ssize_t>(sizeof state) || (got < 0 && errno == EINTR));
    }
}

} // namespace

std::uint64_t random_bits() noexcept
{
    if ((state[0] | state[1] | state[2] | state[3]) == 0) [[unlikely]]
        seed();
    const std::uint64_t bits = std::rotl(state[0] + state[3], 23) + state[0];
    const std::uint64_t shifted = state[1] << 17U;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = std::rotl(state[3], 45);
    return bits;
}

} // namespace sluice

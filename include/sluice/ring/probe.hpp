// Could a server's rings run here? What the kernel, its settings and the process's limits allow.
//
// The problem: io_uring can be missing, switched off, refused by a container's seccomp profile or starved by a limit,
// and the kernel says only EPERM, ENOSYS, EINVAL or ENOMEM. The answer: try each thing that is needed on a throwaway
// ring, and say for each what it is, and if it is refused, what would mend it.
//
// Any thread; reads files and makes rings, so at start only. It changes nothing.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/ring/ring.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

// Connections to the admin listener: scrapers, people who watch and what asks for health. They have places of their
// own, whatever the API's clients take.
inline constexpr std::size_t admin_connections_max = 64;

// Descriptors that are not the API's connections: the admin listener's, the standard streams, the log, the database's
// files; and for each shard its ring, its wake-up, its listeners and more files.
[[nodiscard]] constexpr std::size_t reserved_descriptors(unsigned shards) noexcept
{
    return admin_connections_max + 64 + 8 * std::size_t(shards);
}

// Of the ring that writes the log, beside those of the shards.
inline constexpr ring_options log_ring_options = {
    .submissions = 128, .completions = 256, .buffers = 1, .buffer_bytes = 64};

// What a server is going to ask for.
struct kernel_needs
{
    unsigned shards = 1;
    std::size_t connections = 0; // of the API; 0: what the limit of open files allows
    ring_options ring = {};      // of each shard
};

enum class verdict : std::uint8_t
{
    ok,
    failed,
    present, // an ability that is not needed: it is there
    absent,
};

struct kernel_finding
{
    verdict said;
    std::string what; // "io_uring operation accept"
    std::string mend; // of what failed
};

// Where the kernel says what it is; tests put files of their own in its place.
struct kernel_source
{
    std::string proc = "/proc";
};

// Everything that was looked at, in order. What depends on something that failed is left out.
[[nodiscard]] std::vector<kernel_finding> probe_kernel(const kernel_needs& needs, const kernel_source& from = {});

// The first that failed, as "WHAT: MEND"; what a server checks before it starts its shards.
[[nodiscard]] result<void> require_kernel(const kernel_needs& needs, const kernel_source& from = {});

} // namespace sluice

#pragma GCC visibility pop

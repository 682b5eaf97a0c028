// Listening sockets: addresses as settings write them, turned into bound descriptors.
#pragma once

#include <sluice/core/error.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// What a listener's queue may hold; the kernel cuts it to net.core.somaxconn.
inline constexpr int listen_backlog = 4096;

// A bound and listening socket for each shard (TCP: a SO_REUSEPORT group, among which the kernel spreads connections;
// Unix: one socket, shared). The descriptors are the caller's to close.
struct listening
{
    std::vector<int> fds; // one a shard
    std::string address;  // with the port that was really bound: "127.0.0.1:40123", "unix:/run/sluice.sock"
};

// "ADDR:PORT", "[v6]:PORT" or "unix:/path". An address in use fails at once, even where the other server would share
// it.
[[nodiscard]] result<listening> listen_on(std::string_view address, unsigned shards);

// The peer of an accepted connection as text, without a port; "unix" for a Unix socket; empty if it has gone already.
// Valid until this thread asks again.
[[nodiscard]] std::string_view peer_text(int fd) noexcept;

} // namespace sluice

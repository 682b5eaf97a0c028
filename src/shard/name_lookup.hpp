// Addresses of a name, as the kernel takes them, for clients that connect. Names are looked up where that may block,
// never on a shard; an address in digits needs nobody.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/shard/offload.hpp>

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

struct socket_address
{
    sockaddr_storage bytes{};
    socklen_t size = 0;
};

// One or more, in the order in which they are to be tried. The error is for the operator. `host` is a name, an address
// (IPv6 without brackets), and outlives the task.
[[nodiscard]] task<result<std::vector<socket_address>>> addresses_of(const std::string& host, std::uint16_t port,
                                                                     offload_pool& blocking);

// Nothing for a path that is too long.
[[nodiscard]] result<socket_address> unix_address(const std::string& path);

} // namespace sluice

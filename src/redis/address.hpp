// Addresses of a Redis: as the kernel takes them. Names are looked up where that may block, never on a shard.
#pragma once

#include "shard/name_lookup.hpp"

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/redis/location.hpp>
#include <sluice/shard/offload.hpp>

#include <vector>

namespace sluice::redis {

// One or more, in the order in which they are to be tried. The error is for the operator. `where` outlives the task.
[[nodiscard]] task<result<std::vector<socket_address>>> addresses_of(const location& where, offload_pool& blocking);

} // namespace sluice::redis

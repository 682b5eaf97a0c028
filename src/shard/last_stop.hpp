// The stop of what goes on after its request was stopped: a wait for the outcome of a write that nobody else waits for.
//
// Requested when the time for an orderly end is over, and for good. Thread: a shard's, which has one of its own.
#pragma once

#include <sluice/coro/stop.hpp>

namespace sluice {
[[nodiscard]] stop_source& last_stop() noexcept;
}

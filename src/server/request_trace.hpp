// A request's trace: continued from its caller or begun here, and handed over at its end where somebody keeps traces.
//
// The caller's traceparent decides which trace this is; whether it is recorded is the caller's to say only where it is
// trusted, since anybody could make a server record everything. Thread: the request's shard.
#pragma once

#include "server/exchange.hpp"

#include <sluice/http/status.hpp>

namespace sluice {

// Once the head is complete. `trusted`: the peer's sampling flag counts.
void begin_trace(exchange& of, bool trusted);
// Once the answer is written, while the request is still there.
void end_trace(exchange& of, http::status answered, duration took);

} // namespace sluice

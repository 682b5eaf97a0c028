// A request's trace: continued from its caller or begun here, and handed over at its end where somebody keeps traces.
//
// The caller's traceparent decides which trace this is; whether it is recorded, by its flag or by its id, is the
// caller's to say only where it is trusted, since anybody could make a server record everything, or nothing. Thread:
// the request's shard.
#pragma once

#include "server/exchange.hpp"

#include <sluice/http/status.hpp>

namespace sluice {

// Once the head is complete. `trusted`: the peer's sampling flag counts.
void begin_trace(exchange& of, bool trusted);
// Of a head that cannot be read: nothing of it counts.
void begin_trace_unread(exchange& of);
// Which requests are kept, of those that only a part is kept of, goes by this one's id: by the trace's own, so that
// services with one ratio agree, and by the span's, which is made here, where a stranger chose the trace's.
[[nodiscard]] trace_context deciding_trace(const exchange& of) noexcept;
// Once the answer is written, while the request is still there. Of what no route has matched only the answer is named.
void end_trace(exchange& of, http::status answered, duration took);

} // namespace sluice

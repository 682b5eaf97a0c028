// The log's level over HTTP, for the admin listener: GET /log/level says it, PUT /log/level changes it at once.
//
//     curl -XPUT localhost:9090/log/level -H 'content-type: application/json' -d '{"level":"debug"}'
//
// It holds until it is changed again, here or by a reload of the configuration. Thread: the shard that serves it; the
// level is the process's.
#pragma once

#pragma GCC visibility push(default)

namespace sluice {

class router;

void log_routes(router& to);

} // namespace sluice

#pragma GCC visibility pop

// The one access line of a request: what was asked, what came of it, for whom, how long it took.
//
//     {"timestamp":…,"level":"info","message":"request","shard":0,"trace_id":…,"span_id":…,"method":"GET",
//      "route":"/users/{id}","path":"/users/01890a5d…","status":200,"duration_us":112,"bytes_out":431,
//      "client":"192.0.2.1","db_us":61,"cache":"miss"}
//
// `db_us` is the time at the database, `cache` the tier that answered, if a cache was asked. Where only a part of the
// lines is wanted, those of errors and of slow requests are written all the same. Those of 5xx and of slow requests are
// warnings. A slow request has a second line, with the time that it spent in each stage (core/stages.hpp).
//
// It is no middleware object, since only what drives the connection knows how many bytes left and when: the session
// calls it once for each request, answered or not, while it still lives. The query, fields and bodies stay out of it:
// they may hold secrets. Thread: the request's shard.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/http/request.hpp>
#include <sluice/http/status.hpp>

#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {

struct access
{
    http::status status;
    std::uint64_t bytes_out; // head and body
    duration took;           // from the complete head to the last byte handed over
    duration head = {};      // before that: from the head's first byte to its last
    bool sampled = true;     // good and quick as it may be, it is among the access_log_options::ratio that have a line
};

struct access_log_options
{
    bool lines = false; // access lines
    double ratio = 1;   // of the lines of good and quick answers: which traces, so that services agree; the session
                        // chooses them (access::sampled)
    duration slow = std::chrono::milliseconds(500); // from here on a request is slow; zero: none is
};

void log_access(const http::request& asked, const access& answered, const access_log_options& options) noexcept;

} // namespace sluice

#pragma GCC visibility pop

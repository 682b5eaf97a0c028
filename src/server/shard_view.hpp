// What a shard is doing at this moment, copied so that another shard can show it.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/stages.hpp>
#include <sluice/core/trace.hpp>
#include <sluice/http/method.hpp>
#include <sluice/http/status.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct request_under_way
{
    http::method method;
    std::string route; // the pattern
    std::string path;  // cut at path_max
    std::string client;
    trace_context trace;
    duration age;
    duration head;      // before that: from the head's first byte to its last
    stage_times stages; // where it is, and where it has been so far

    static constexpr std::size_t path_max = 200;
};

struct finished_request
{
    http::method method;
    std::string route;
    http::status status;
    trace_context trace;
    duration took;
    duration ago;
    duration head;
    stage_times stages;
};

struct shard_view
{
    std::size_t requests_under_way = 0;
    std::vector<request_under_way> oldest; // the oldest first, at most requests_max of them
    std::vector<finished_request> slowest; // of the last minute; the slowest first

    static constexpr std::size_t requests_max = 100;
};

} // namespace sluice

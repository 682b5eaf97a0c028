// What a shard is doing at this moment, copied so that another shard can show it.
#pragma once

#include <sluice/core/clock.hpp>
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
    std::string_view stage; // "body": it is being received; "handler"
    trace_context trace;
    duration age;

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
};

struct shard_view
{
    std::size_t requests_under_way = 0;
    std::vector<request_under_way> oldest; // the oldest first, at most requests_max of them
    std::vector<finished_request> slowest; // of the last minute; the slowest first

    static constexpr std::size_t requests_max = 100;
};

} // namespace sluice

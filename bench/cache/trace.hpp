// Streams of requests to a cache, made from a seed: the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hit_ratios {

struct request
{
    std::uint32_t key;
    bool writes; // the key's value changes: a cache has to forget it
};

struct trace
{
    std::string name;
    bool scans; // most of what is asked for in a row is not asked for again soon
    std::vector<request> requests;
    std::vector<std::uint32_t> value_bytes; // by key
};

struct trace_size
{
    std::uint32_t keys;
    std::uint32_t requests;
};

// Every shape that is measured, one after the other.
[[nodiscard]] std::size_t trace_count() noexcept;
[[nodiscard]] trace make_trace(std::size_t which, trace_size size);

} // namespace hit_ratios

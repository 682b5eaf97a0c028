// exchange: what a connection needs while a request is under way, and only then.
//
// The problem: thousands of idle connections must cost next to nothing, and busy ones must find warm memory. The
// answer: the parser, the request, its context and its streams are one object that a session borrows from its shard
// with the first byte of a request and gives back once everything is answered and nothing is kept. Handlers that do not
// wait return it within the turn, so one warm exchange serves many connections.
//
// Owner: shard_server's free list; borrower: one session at a time. Thread: its shard's.
#pragma once

#include "http/connection.hpp"

#include <sluice/core/clock.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/span.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/http/ip.hpp>
#include <sluice/route/route.hpp>

#include <memory>

namespace sluice {

struct exchange : list_node<exchange> // among those under way
{
    static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { pool_deallocate(block, bytes); }

    explicit exchange(const http::limits& bounds) : machine(bounds) { request_context.stop = &stop; }

    [[nodiscard]] duration time_of_head() const noexcept
    {
        return head_began_at == time_point() ? duration::zero() : began_at - head_began_at;
    }

    http::connection machine;
    context request_context;
    stop_source stop;                // requested when nobody waits for the answer any more
    time_point head_began_at{};      // of a head that did not come at once
    pooled_string trace_state;       // what request_context's refers to
    std::unique_ptr<span_log> spans; // once somebody keeps traces
    bool trace_of_stranger = false;  // a caller that is not trusted chose its id
    time_point began_at{};
    bool under_way = false;         // shown as such
    bool is_load = false;           // and counted: a scrape is none, and who watches waits for ever
    std::uint64_t bytes_out = 0;    // of the answer: head and body
    http::status answered{};        // what is being written
    http::ip::text client{};        // of a request that a proxy passed on
    const route* matched = nullptr; // of the current request, once its head is complete
};

} // namespace sluice

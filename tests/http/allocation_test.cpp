// In steady state a kept-alive connection takes no memory from the heap: small requests, browsers' requests, bodies,
// requests that straddle what was received, and everything kept.
#include "heap_count.hpp"
#include "http/connection.hpp"

#include <sluice/core/trace.hpp>
#include <sluice/http/request_parts.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {

namespace {

struct conversation
{
    std::string input;
    std::size_t piece;
    bool keep;
    body_mode mode = body_mode::buffered;
};

// One connection's life: made, used for the input, dropped.
void hold(const conversation& talk, const limits& bounds, context& of, buffer& out)
{
    connection machine(bounds);
    request::parts::context(machine.current()) = &of;
    for (std::string_view rest = talk.input; !rest.empty();) {
        machine.feed(rest.substr(0, talk.piece));
        rest.remove_prefix(std::min(rest.size(), talk.piece));
        for (event happened = machine.next(); happened != event::need_input; happened = machine.next()) {
            if (talk.keep) machine.keep();
            if (happened == event::head) machine.accept_body(talk.mode, bounds.body_bytes);
            if (happened != event::request && happened != event::body_end) continue;
            response answer;
            answer.header("ETag", "\"0123456789abcdef\"").body(pooled_string(100, 'b'), application_json);
            machine.respond(answer, {.date = "Sun, 06 Nov 1994 08:49:37 GMT"}, out);
            out.clear();
        }
    }
}

TEST(HttpAllocation, a_steady_state_has_none)
{
    if constexpr (!pool_recycles) GTEST_SKIP() << "the pool gives everything back under AddressSanitizer";
    std::string fields;
    for (int i = 0; i < 20; ++i) fields += "X-Field-" + std::to_string(i) + ": some value of a usual length\r\n";
    const std::string small = "GET /pipeline HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
    const std::string browser = "GET /a/b/c?d=e HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n" + fields + "\r\n";
    const std::string sized = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'b');
    const std::string chunked =
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
    const conversation conversations[] = {
        {small + small + small, 4096, false}, {small + small + small, 4096, true},     {browser, 4096, false},
        {browser + browser, 100, false},      {browser + browser, 100, true},          {sized + small, 500, false},
        {sized + small, 500, true},           {sized, 500, true, body_mode::streamed}, {chunked + small, 4096, true},
        {chunked + small, 7, false},          {chunked, 7, true, body_mode::streamed},
    };
    limits bounds;
    context of{.trace = trace_context::start()};
    buffer out;
    std::uint64_t before = 0;
    for (int round = 0; round < 50; ++round) {
        if (round == 10) before = test::heap_blocks_of_thread();
        for (const conversation& talk : conversations) hold(talk, bounds, of, out);
    }
    EXPECT_EQ(test::heap_blocks_of_thread(), before);
}

} // namespace

} // namespace sluice::http

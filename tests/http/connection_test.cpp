#include "http/connection.hpp"

#include <sluice/http/request_parts.hpp>

#include <gtest/gtest.h>

using namespace sluice;
using namespace sluice::http;

namespace {

constexpr response_context now{.date = "Sun, 06 Nov 1994 08:49:37 GMT"};

TEST(Connection, answers_a_request_and_waits_for_the_next)
{
    limits bounds;
    connection machine(bounds);
    machine.feed("GET /pipeline?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
    ASSERT_EQ(machine.next(), event::request);
    EXPECT_EQ(machine.current().path(), "/pipeline");
    EXPECT_EQ(machine.current().query(), "x=1");
    EXPECT_EQ(machine.current().host(), "127.0.0.1:8080");
    buffer out;
    response answer;
    answer.static_body("ok", text_plain);
    machine.respond(answer, now, out);
    EXPECT_EQ(out.view(), "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
                          "Content-Length: 2\r\n\r\nok");
    EXPECT_FALSE(machine.must_close());
    EXPECT_EQ(machine.next(), event::need_input);
    EXPECT_TRUE(machine.idle());
}

} // namespace

// The machine's conversation beyond what a single request says: whose bytes are whose, when to answer, when to close.
#include "conversation.hpp"

#include <sluice/http/request_parts.hpp>

#include <string>

namespace sluice::http::testing {

namespace {

class Connection : public conversation
{};

// --- Between requests.

TEST_F(Connection, is_idle_before_and_after_a_request)
{
    EXPECT_TRUE(machine.idle());
    EXPECT_FALSE(machine.in_request());
    feed(get);
    ASSERT_EQ(machine.next(), event::request);
    EXPECT_TRUE(machine.in_request());
    EXPECT_FALSE(machine.idle());
    answer();
    EXPECT_EQ(machine.next(), event::need_input);
    EXPECT_TRUE(machine.idle());
    EXPECT_FALSE(machine.in_request());
}

TEST_F(Connection, is_in_a_request_from_its_first_byte)
{
    feed("G");
    EXPECT_EQ(machine.next(), event::need_input);
    EXPECT_TRUE(machine.in_request());
    EXPECT_FALSE(machine.idle());
}

TEST_F(Connection, is_neither_idle_nor_in_a_request_behind_an_empty_line)
{
    feed("\r\n");
    EXPECT_EQ(machine.next(), event::need_input);
    EXPECT_FALSE(machine.in_request());
    EXPECT_FALSE(machine.idle()); // the line counts
}

// --- 100 Continue.

TEST_F(Connection, tells_once_that_the_client_waits_to_be_asked_for_the_body)
{
    feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    ASSERT_EQ(machine.next(), event::head);
    EXPECT_FALSE(machine.take_expect_continue()); // nobody has accepted it
    machine.accept_body(body_mode::buffered, 1);
    EXPECT_TRUE(machine.take_expect_continue());
    EXPECT_FALSE(machine.take_expect_continue());
}

TEST_F(Connection, does_not_ask_for_a_body_that_is_coming)
{
    feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\na");
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::buffered, 2);
    EXPECT_FALSE(machine.take_expect_continue());
    EXPECT_EQ(machine.next(), event::need_input);
    EXPECT_FALSE(machine.take_expect_continue());
}

TEST_F(Connection, does_not_ask_for_a_body_that_it_refuses)
{
    feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::buffered, 1);
    EXPECT_FALSE(machine.take_expect_continue());
    EXPECT_EQ(machine.next(), event::refused);
    EXPECT_EQ(machine.refused().status, status::content_too_large);
}

TEST_F(Connection, does_not_send_continue_to_http_1_0)
{
    feed("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::buffered, 1);
    EXPECT_FALSE(machine.take_expect_continue());
}

// --- Answers before the body is read.

TEST_F(Connection, goes_on_after_an_early_answer_if_the_body_is_here)
{
    feed(std::string(head_of_post) + "abcdef" + std::string(get));
    ASSERT_EQ(machine.next(), event::head);
    answer(status::unauthorized);
    EXPECT_FALSE(machine.must_close());
    ASSERT_EQ(machine.next(), event::request);
    EXPECT_EQ(machine.current().path(), "/a");
}

TEST_F(Connection, goes_on_after_an_early_answer_if_the_chunks_are_here)
{
    feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + std::string(get));
    ASSERT_EQ(machine.next(), event::head);
    answer(status::unauthorized);
    EXPECT_FALSE(machine.must_close());
    ASSERT_EQ(machine.next(), event::request);
}

TEST_F(Connection, closes_lingering_after_an_early_answer_if_the_body_is_not_here)
{
    for (const std::string_view request :
         {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc",
          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nnonsense"}) {
        connection fresh(bounds);
        fresh.feed(request);
        ASSERT_EQ(fresh.next(), event::head);
        out.clear();
        fresh.respond(response(status::unauthorized), shared, out);
        EXPECT_TRUE(out.view().find("Connection: close\r\n") != std::string_view::npos);
        EXPECT_TRUE(fresh.must_close());
        EXPECT_TRUE(fresh.must_linger());
    }
}

TEST_F(Connection, closes_if_a_stream_is_answered_before_its_end)
{
    feed(std::string(head_of_post) + "abc");
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::streamed, 6);
    ASSERT_EQ(machine.next(), event::body);
    answer();
    EXPECT_TRUE(machine.must_close());
    EXPECT_TRUE(machine.must_linger());
}

TEST_F(Connection, passes_over_what_is_left_of_a_stream_if_it_is_here)
{
    feed("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n" +
         std::string(get));
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::streamed, 6);
    ASSERT_EQ(machine.next(), event::body);
    answer();
    EXPECT_FALSE(machine.must_close());
    EXPECT_EQ(machine.next(), event::request);
}

// --- Closing.

TEST_F(Connection, closes_without_lingering_when_the_client_asked_to)
{
    feed("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    ASSERT_EQ(machine.next(), event::request);
    answer();
    EXPECT_TRUE(machine.must_close());
    EXPECT_FALSE(machine.must_linger());
}

TEST_F(Connection, lingers_when_more_came_behind_a_last_request)
{
    feed("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + std::string(get));
    ASSERT_EQ(machine.next(), event::request);
    answer();
    EXPECT_TRUE(machine.must_close());
    EXPECT_TRUE(machine.must_linger());
}

TEST_F(Connection, lingers_after_a_refusal)
{
    feed("nonsense\r\n");
    ASSERT_EQ(machine.next(), event::refused);
    EXPECT_EQ(machine.next(), event::refused); // until it is answered
    answer(machine.refused().status);
    EXPECT_TRUE(machine.must_close());
    EXPECT_TRUE(machine.must_linger());
}

TEST_F(Connection, ignores_what_comes_behind_the_last_answer)
{
    feed("GET / HTTP/1.0\r\n\r\n");
    ASSERT_EQ(machine.next(), event::request);
    answer();
    ASSERT_TRUE(machine.must_close());
    feed(get);
    EXPECT_EQ(machine.pending_bytes(), 0u);
    EXPECT_EQ(machine.next(), event::need_input);
}

TEST_F(Connection, closes_when_the_answer_says_so)
{
    feed(get);
    ASSERT_EQ(machine.next(), event::request);
    response last;
    last.close();
    machine.respond(last, shared, out);
    EXPECT_TRUE(out.view().find("Connection: close\r\n") != std::string_view::npos);
    EXPECT_TRUE(machine.must_close());
    EXPECT_TRUE(machine.must_linger());
}

TEST_F(Connection, answers_what_was_received_before_it_closes_for_a_drain)
{
    feed(std::string(get) + std::string(get));
    shared.closing = true;
    ASSERT_EQ(machine.next(), event::request);
    answer();
    EXPECT_EQ(out.view().find("Connection: close\r\n"), std::string_view::npos);
    EXPECT_FALSE(machine.must_close());
    ASSERT_EQ(machine.next(), event::request);
    answer();
    EXPECT_NE(out.view().find("Connection: close\r\n"), std::string_view::npos);
    EXPECT_TRUE(machine.must_close());
}

TEST_F(Connection, answers_a_timeout_within_a_head_and_closes)
{
    feed("GET / HTT");
    ASSERT_EQ(machine.next(), event::need_input);
    answer(status::request_timeout);
    EXPECT_TRUE(machine.must_close());
    EXPECT_TRUE(machine.must_linger());
}

// --- The end of input.

TEST_F(Connection, answers_a_client_that_has_closed_its_half)
{
    feed(get);
    machine.end_of_input();
    ASSERT_EQ(machine.next(), event::request);
    answer();
    EXPECT_TRUE(machine.must_close());
    EXPECT_FALSE(machine.must_linger());
}

TEST_F(Connection, answers_every_request_before_the_end)
{
    feed(std::string(get) + std::string(get));
    machine.end_of_input();
    ASSERT_EQ(machine.next(), event::request);
    answer();
    EXPECT_FALSE(machine.must_close());
    ASSERT_EQ(machine.next(), event::request);
    answer();
    EXPECT_TRUE(machine.must_close());
}

TEST_F(Connection, has_nothing_to_say_when_the_input_ends_between_requests)
{
    machine.end_of_input();
    EXPECT_EQ(machine.next(), event::need_input);
    EXPECT_TRUE(machine.idle());
}

TEST_F(Connection, refuses_a_stream_that_ends_too_early)
{
    feed(std::string(head_of_post) + "abc");
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::streamed, 6);
    ASSERT_EQ(machine.next(), event::body);
    machine.end_of_input();
    EXPECT_EQ(machine.next(), event::refused);
    EXPECT_EQ(machine.refused().status, status::bad_request);
}

TEST_F(Connection, forgets_the_last_request_before_the_next)
{
    feed("HEAD http://other/x?y HTTP/1.0\r\nConnection: keep-alive\r\nX-A: b\r\n\r\n");
    ASSERT_EQ(machine.next(), event::request);
    request::parts::route(machine.current()) = "/{id}";
    request::parts::add_path_parameter(machine.current(), "id", "x");
    answer();
    feed("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_EQ(machine.next(), event::request);
    request& r = machine.current();
    EXPECT_EQ(r.method(), method::get);
    EXPECT_EQ(r.version_minor(), 1);
    EXPECT_EQ(r.host(), "h");
    EXPECT_EQ(r.query(), "");
    EXPECT_EQ(r.route(), "");
    EXPECT_EQ(r.headers().size(), 1u);
    EXPECT_FALSE(r.path<std::string>("id"));
}

} // namespace

} // namespace sluice::http::testing

// The bytes of answers: framing, persistence, and what every response carries.
#include "http/connection.hpp"

#include <sluice/http/request_parts.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {

namespace {

constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view date_line = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

std::string request_for(std::string_view method, std::string_view version = "1.1", std::string_view lines = "")
{
    return std::string(method) + " / HTTP/" + std::string(version) + "\r\nHost: h\r\n" + std::string(lines) + "\r\n";
}

class Answer : public ::testing::Test
{
protected:
    connection& asked(const std::string& bytes)
    {
        bytes_ = bytes;
        machine_.feed(bytes_);
        EXPECT_EQ(machine_.next(), event::request);
        return machine_;
    }
    std::string answered(const response& answer, bool without_body = false)
    {
        machine_.respond(answer, {.date = date}, out_, without_body);
        return std::string(out_.view());
    }
    std::string streamed(const response& answer)
    {
        machine_.start_stream(answer, {.date = date}, out_);
        for (const char* piece : {"abc", "", "0123456789abcdefg"}) machine_.write_piece(piece, out_);
        machine_.end_stream(out_);
        return std::string(out_.view());
    }
    static response hello()
    {
        response made;
        made.static_body("hello", text_plain);
        return made;
    }
    static response hello_stream(status with = status::ok)
    {
        response made(with);
        made.stream({}, text_plain);
        return made;
    }

    limits bounds_;
    connection machine_{bounds_};
    buffer out_;
    std::string bytes_;
};

TEST_F(Answer, has_a_status_line_a_date_a_type_and_a_length)
{
    asked(request_for("GET"));
    EXPECT_EQ(answered(hello()), "HTTP/1.1 200 OK\r\n" + std::string(date_line) +
                                     "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_F(Answer, carries_the_trace_id_of_the_requests_context)
{
    asked(request_for("GET"));
    context of;
    for (std::size_t i = 0; i < of.trace.trace_id.size(); ++i)
        of.trace.trace_id[i] = static_cast<std::uint8_t>(0x10 + 15 * i);
    request::parts::context(machine_.current()) = &of;
    const std::string text = answered(hello());
    EXPECT_NE(text.find("X-Request-Id: 101f2e3d4c5b6a798897a6b5c4d3e2f1\r\n"), std::string::npos) << text;
}

TEST_F(Answer, carries_its_own_fields)
{
    asked(request_for("GET"));
    response made(status::created);
    made.header("Location", "/users/1").header("ETag", "\"1\"");
    EXPECT_EQ(answered(made), "HTTP/1.1 201 Created\r\n" + std::string(date_line) +
                                  "Content-Length: 0\r\nLocation: /users/1\r\nETag: \"1\"\r\n\r\n");
}

TEST_F(Answer, has_a_status_line_without_a_phrase_for_an_unknown_code)
{
    asked(request_for("GET"));
    EXPECT_TRUE(answered(response(static_cast<status>(299))).starts_with("HTTP/1.1 299 \r\n"));
}

TEST_F(Answer, to_head_has_the_head_of_get)
{
    asked(request_for("HEAD"));
    EXPECT_EQ(answered(hello()),
              "HTTP/1.1 200 OK\r\n" + std::string(date_line) + "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
    EXPECT_FALSE(machine_.must_close());
}

TEST_F(Answer, without_a_body_by_its_status_has_neither_length_nor_type)
{
    for (const status code : {status::no_content, status::not_modified}) {
        asked(request_for("GET"));
        out_.clear();
        response made = hello();
        made.status(code);
        EXPECT_EQ(answered(made), "HTTP/1.1 " + std::to_string(static_cast<int>(code)) + " " +
                                      std::string(reason(code)) + "\r\n" + std::string(date_line) + "\r\n");
    }
}

TEST_F(Answer, leaves_out_a_body_that_its_driver_sends)
{
    asked(request_for("GET"));
    EXPECT_TRUE(answered(hello(), true).ends_with("Content-Length: 5\r\n\r\n"));
}

TEST_F(Answer, says_whether_there_is_a_body_to_send)
{
    EXPECT_TRUE(asked(request_for("GET")).sends_body(hello()));
    EXPECT_FALSE(machine_.sends_body(response(status::no_content)));
    static_cast<void>(answered(hello()));
    EXPECT_FALSE(asked(request_for("HEAD")).sends_body(hello()));
}

TEST_F(Answer, takes_a_body_of_any_kind)
{
    for (const int kind : {0, 1, 2}) {
        asked(request_for("GET"));
        out_.clear();
        response made;
        if (kind == 0) made.body(pooled_string("hello"), text_plain);
        if (kind == 1) made.static_body("hello", text_plain);
        if (kind == 2) made.body(std::make_shared<const std::string>("hello"), text_plain);
        EXPECT_TRUE(answered(made).ends_with("Content-Length: 5\r\n\r\nhello"));
        EXPECT_EQ(made.referenced(), kind != 0);
    }
}

TEST_F(Answer, says_close_to_who_asked_for_it)
{
    asked(request_for("GET", "1.1", "Connection: close\r\n"));
    EXPECT_NE(answered(hello()).find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST_F(Answer, says_close_to_http_1_0)
{
    asked(request_for("GET", "1.0"));
    EXPECT_NE(answered(hello()).find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST_F(Answer, says_keep_alive_to_http_1_0_that_asked_for_it)
{
    asked(request_for("GET", "1.0", "Connection: keep-alive\r\n"));
    EXPECT_NE(answered(hello()).find("\r\nConnection: keep-alive\r\n"), std::string::npos);
    EXPECT_FALSE(machine_.must_close());
}

TEST_F(Answer, says_nothing_of_the_connection_otherwise)
{
    asked(request_for("GET", "1.1", "Connection: keep-alive\r\n"));
    EXPECT_EQ(answered(hello()).find("Connection:"), std::string::npos);
}

TEST_F(Answer, streams_in_chunks)
{
    asked(request_for("GET"));
    EXPECT_EQ(streamed(hello_stream()), "HTTP/1.1 200 OK\r\n" + std::string(date_line) +
                                            "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                                            "3\r\nabc\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n");
    EXPECT_FALSE(machine_.must_close());
    EXPECT_EQ(machine_.next(), event::need_input);
}

TEST_F(Answer, streams_to_http_1_0_until_it_closes)
{
    asked(request_for("GET", "1.0", "Connection: keep-alive\r\n"));
    EXPECT_EQ(streamed(hello_stream()),
              "HTTP/1.1 200 OK\r\n" + std::string(date_line) +
                  "Content-Type: text/plain\r\nConnection: close\r\n\r\nabc0123456789abcdefg");
    EXPECT_TRUE(machine_.must_close());
}

TEST_F(Answer, streams_nothing_but_the_head_to_head)
{
    asked(request_for("HEAD"));
    EXPECT_TRUE(streamed(hello_stream()).ends_with("Transfer-Encoding: chunked\r\n\r\n"));
    EXPECT_FALSE(machine_.must_close());
}

TEST_F(Answer, streams_nothing_under_a_status_without_a_body)
{
    asked(request_for("GET"));
    EXPECT_EQ(streamed(hello_stream(status::no_content)),
              "HTTP/1.1 204 No Content\r\n" + std::string(date_line) + "\r\n");
}

TEST_F(Answer, to_a_request_that_is_no_http_is_whole_too)
{
    bytes_ = "nonsense\r\n";
    machine_.feed(bytes_);
    ASSERT_EQ(machine_.next(), event::refused);
    response made(machine_.refused().status);
    made.static_body("no", text_plain);
    EXPECT_EQ(answered(made), "HTTP/1.1 400 Bad Request\r\n" + std::string(date_line) +
                                  "Content-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
}

TEST_F(Answer, follows_the_answers_before_it)
{
    bytes_ = request_for("GET") + request_for("GET");
    machine_.feed(bytes_);
    for (const char* body : {"one", "two"}) {
        ASSERT_EQ(machine_.next(), event::request);
        machine_.respond(response::text(body), {}, out_);
    }
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n";
    EXPECT_EQ(out_.view(), head + "one" + head + "two");
}

} // namespace

} // namespace sluice::http

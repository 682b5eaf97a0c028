// What a call may say: its URL, its fields, and the bytes that come of them.
#include "client/request_writer.hpp"
#include "client/url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

using namespace std::string_view_literals;

TEST(Url, names_host_port_and_target)
{
    const auto plain = parse_url("http://example.org:8081/users/7?a=b%20c").value();
    EXPECT_EQ(plain.host, "example.org");
    EXPECT_EQ(plain.port, 8081);
    EXPECT_EQ(plain.target, "/users/7?a=b%20c");
    EXPECT_EQ(plain.host_field(), "example.org:8081");
    EXPECT_EQ(parse_url("HTTP://a").value().port, 80);
    EXPECT_TRUE(parse_url("http://a").value().lacks_slash());
    EXPECT_TRUE(parse_url("http://a?b").value().lacks_slash());
    EXPECT_EQ(parse_url("http://a?b=/").value().target, "?b=/");
    const auto v6 = parse_url("http://[::1]:81/").value();
    EXPECT_EQ(v6.host, "::1");
    EXPECT_EQ(v6.port, 81);
    EXPECT_EQ(v6.host_field(), "[::1]:81");
}

TEST(Url, names_a_socket)
{
    const auto made = parse_url("http://unix:/run/api.sock:/users?a").value();
    EXPECT_EQ(made.socket, "/run/api.sock");
    EXPECT_EQ(made.target, "/users?a");
    EXPECT_EQ(parse_url("http://unix:/run/api.sock").value().target, "");
    EXPECT_EQ(parse_url("http://unix:8080/").value().host, "unix");
}

TEST(Url, is_refused_where_it_is_none_or_could_end_a_line)
{
    for (const std::string_view text : {""sv,
                                        "http://"sv,
                                        "http:///"sv,
                                        "http://:80/"sv,
                                        "ftp://a/"sv,
                                        "//a/"sv,
                                        "http://a b/"sv,
                                        "http://a/ b"sv,
                                        "http://a/\r\nX: y"sv,
                                        "http://a\r\n/"sv,
                                        "http://a/\nb"sv,
                                        "http://a/\0"sv,
                                        "http://a/#b"sv,
                                        "http://a/%"sv,
                                        "http://a/%g0"sv,
                                        "http://a/\x80"sv,
                                        "http://a:0/"sv,
                                        "http://a:65536/"sv,
                                        "http://a:b/"sv,
                                        "http://u:p@a/"sv,
                                        "http://[::1/"sv,
                                        "http://[]/"sv,
                                        "http://unix:/a\0b:/"sv,
                                        "http://unix:/a:/ b"sv,
                                        "http://unix:/a:b\r\n"sv})
        EXPECT_FALSE(parse_url(text)) << text;
    EXPECT_FALSE(parse_url("http://a/" + std::string(10'000, 'x')));
}

TEST(Url, of_https_is_refused_with_the_reason)
{
    const auto refused = parse_url("https://example.org/");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("https"), std::string::npos);
}

std::string written(const call& what, const trace_context* trace = nullptr, std::string_view state = {})
{
    buffer out;
    write_request(what, parse_url(what.url).value(), "test", trace, state, out);
    return std::string(out.view());
}

TEST(Request, is_written_as_http_wants_it)
{
    EXPECT_EQ(written({.url = "http://a:81/x?y"}), "GET /x?y HTTP/1.1\r\nHost: a:81\r\nUser-Agent: test\r\n\r\n");
    EXPECT_EQ(written({.url = "http://a?y"}), "GET /?y HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\n\r\n");
    EXPECT_EQ(written({.method = method::post, .url = "http://a"}),
              "POST / HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\nContent-Length: 0\r\n\r\n");
    const header fields[] = {{"X-One", "1"}, {"Empty", ""}};
    EXPECT_EQ(written({.method = method::put,
                       .url = "http://a/",
                       .headers = fields,
                       .body = "{}",
                       .content_type = "application/json"}),
              "PUT / HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
              "X-One: 1\r\nEmpty: \r\n\r\n{}");
}

TEST(Request, carries_its_trace)
{
    const auto caller =
        trace_context::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").value();
    const trace_context own = caller.child();
    std::string span(16, ' ');
    own.write_span_id(span.data());
    EXPECT_EQ(written({.url = "http://a/"}, &own, "x=1"),
              "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-" +
                  span + "-01\r\ntracestate: x=1\r\n\r\n");
}

TEST(Request, is_refused_where_a_field_could_end_its_line_or_is_the_clients)
{
    const auto valid = [](std::string_view name, std::string_view value) {
        const header field[] = {{name, value}};
        return check_fields({.url = "http://a/", .headers = field}).has_value();
    };
    EXPECT_TRUE(valid("X", "a\tb \xE9"));
    for (const std::string_view value : {"a\r\nY: z"sv, "a\n"sv, "\r"sv, "a\0b"sv, "\x7F"sv})
        EXPECT_FALSE(valid("X", value));
    for (const std::string_view name : {""sv, "X Y"sv, "X:"sv, "X\r\n"sv, "\xE9"sv}) EXPECT_FALSE(valid(name, "a"));
    for (const std::string_view name :
         {"Host", "content-length", "Transfer-Encoding", "connection", "TraceParent", "tracestate", "Expect"})
        EXPECT_FALSE(valid(name, "a")) << name;
    EXPECT_FALSE(check_fields({.url = "http://a/", .content_type = "text/plain\r\nX: y"}));
    EXPECT_FALSE(check_fields({.method = method::connect, .url = "http://a/"}));
}

} // namespace
} // namespace sluice::http

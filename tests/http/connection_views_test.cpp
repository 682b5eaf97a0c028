// What a request refers to, and how long it stays where it is.
#include "conversation.hpp"

#include <sluice/http/request_parts.hpp>

namespace sluice::http::testing {

namespace {

class ConnectionViews : public conversation
{};

TEST_F(ConnectionViews, shows_the_fed_bytes_themselves)
{
    const std::string bytes(get);
    machine.feed(bytes);
    ASSERT_EQ(machine.next(), event::request);
    EXPECT_EQ(machine.current().path().data(), bytes.data() + 4);
}

TEST_F(ConnectionViews, keeps_everything_that_a_request_refers_to)
{
    feed("GET /a/42?b=c HTTP/1.1\r\nHost: h\r\nX-Name: value\r\n\r\n" + std::string(get));
    ASSERT_EQ(machine.next(), event::request);
    request& r = machine.current();
    request::parts::add_path_parameter(r, "id", r.path().substr(3));
    machine.keep();
    forget();
    EXPECT_EQ(r.target(), "/a/42?b=c");
    EXPECT_EQ(r.path(), "/a/42");
    EXPECT_EQ(r.query(), "b=c");
    EXPECT_EQ(r.host(), "h");
    EXPECT_EQ(r.header("x-name"), "value");
    EXPECT_EQ(r.path<std::string>("id"), "42");
    answer();
    EXPECT_EQ(machine.next(), event::request); // the one behind it was kept as well
    EXPECT_EQ(machine.current().target(), "/a?b=c");
}

TEST_F(ConnectionViews, keeps_a_body_that_came_with_its_head)
{
    feed(std::string(head_of_post) + "abcdef");
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::buffered, 6);
    ASSERT_EQ(machine.next(), event::request);
    machine.keep();
    forget();
    EXPECT_EQ(machine.current().body(), "abcdef");
}

TEST_F(ConnectionViews, does_not_move_a_kept_request_whatever_is_fed)
{
    feed(std::string(head_of_post) + "abcdef");
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::buffered, 6);
    ASSERT_EQ(machine.next(), event::request);
    machine.keep();
    const std::string_view path = machine.current().path();
    const std::string_view body = machine.current().body();
    for (int i = 0; i < 100; ++i) {
        feed(get);
        machine.keep();
    }
    forget();
    EXPECT_EQ(path, "/p");
    EXPECT_EQ(body, "abcdef");
    EXPECT_EQ(machine.current().path().data(), path.data());
    EXPECT_EQ(machine.pending_bytes(), 100 * get.size());
    answer();
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(machine.next(), event::request);
        EXPECT_EQ(machine.current().path(), "/a");
        answer();
    }
    EXPECT_EQ(machine.next(), event::need_input);
}

TEST_F(ConnectionViews, does_not_move_a_head_while_its_body_comes)
{
    feed(head_of_post);
    ASSERT_EQ(machine.next(), event::head);
    machine.keep();
    const std::string_view path = machine.current().path();
    machine.accept_body(body_mode::buffered, 6);
    for (const char* part : {"a", "bcd", "ef"}) {
        EXPECT_EQ(machine.next(), event::need_input);
        feed(part);
    }
    ASSERT_EQ(machine.next(), event::request);
    EXPECT_EQ(path, "/p");
    EXPECT_EQ(machine.current().path().data(), path.data());
    EXPECT_EQ(machine.current().body(), "abcdef");
}

TEST_F(ConnectionViews, does_not_move_a_piece_before_the_next_is_asked_for)
{
    feed(head_of_post);
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::streamed, 6);
    ASSERT_EQ(machine.next(), event::need_input);
    feed("ab");
    machine.keep();
    forget();
    ASSERT_EQ(machine.next(), event::body);
    const std::string_view first = machine.chunk();
    EXPECT_EQ(first, "ab");
    for (const char* part : {"cd", "ef", get.data()}) {
        feed(part);
        machine.keep();
        forget();
    }
    EXPECT_EQ(first, "ab");
    EXPECT_EQ(machine.chunk().data(), first.data());
    ASSERT_EQ(machine.next(), event::body);
    EXPECT_EQ(machine.chunk(), "cdef");
    ASSERT_EQ(machine.next(), event::body_end);
    EXPECT_EQ(machine.current().path(), "/p");
    answer();
    EXPECT_EQ(machine.next(), event::request);
}

TEST_F(ConnectionViews, passes_a_long_stream_without_gathering_it)
{
    feed("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    ASSERT_EQ(machine.next(), event::head);
    machine.accept_body(body_mode::streamed, 1000000);
    const std::string part(1000, 'b');
    for (int i = 0; i < 1000; ++i) {
        machine.feed(part);
        ASSERT_EQ(machine.next(), event::body);
        ASSERT_EQ(machine.chunk().data(), part.data()); // not a copy
        ASSERT_EQ(machine.pending_bytes(), 0u);
    }
    EXPECT_EQ(machine.next(), event::body_end);
}

} // namespace

} // namespace sluice::http::testing

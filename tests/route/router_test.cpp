#include "support.hpp"

#include <sluice/core/uuid.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::test {
namespace {

using http::method;
using http::status;

class RouterTest : public testing::Test
{
protected:
    response ask(method how, std::string_view path)
    {
        sample one(how, path);
        return answer_of(*routes.find(one.asked).found, one.asked, turns);
    }
    std::string body(std::string_view path) { return std::string(ask(method::get, path).body()); }
    std::string parameter(std::string_view path, std::string_view name)
    {
        sample one = get(path);
        static_cast<void>(routes.find(one.asked));
        return one.asked.path<std::string>(name).value_or("(none)");
    }

    executor turns;
    router routes;
};

using Router = RouterTest;

TEST_F(Router, finds_what_was_registered)
{
    routes.get("/", says("root"));
    routes.get("/users", says("list"));
    routes.post("/users", says("create"));
    routes.get("/users/{id}", says("one"));
    routes.del("/users/{id}", says("gone"));
    routes.put("/users/{id}", says("put"));
    routes.patch("/users/{id}", says("patched"));
    routes.freeze();
    EXPECT_EQ(body("/"), "root");
    EXPECT_EQ(body("/users"), "list");
    EXPECT_EQ(ask(method::post, "/users").body(), "create");
    EXPECT_EQ(body("/users/7"), "one");
    EXPECT_EQ(ask(method::delete_, "/users/7").body(), "gone");
    EXPECT_EQ(ask(method::put, "/users/7").body(), "put");
    EXPECT_EQ(ask(method::patch, "/users/7").body(), "patched");
}

TEST_F(Router, answers_404_for_everything_else)
{
    routes.get("/users", says("list"));
    routes.get("/users/{id}", says("one"));
    routes.freeze();
    for (const std::string_view path : {"/", "/user", "/userss", "/users/", "/users//", "//users", "/users/1/",
                                        "/users/1/2", "/Users", "", "users", "*", "/u"})
        EXPECT_EQ(ask(method::get, path).status(), status::not_found) << path;
}

TEST_F(Router, answers_404_with_no_route_at_all)
{
    routes.freeze();
    EXPECT_EQ(ask(method::get, "/").status(), status::not_found);
}

TEST_F(Router, prefers_static_over_parameter)
{
    routes.get("/users/{id}", says("one"));
    routes.get("/users/me", says("me"));
    routes.freeze();
    EXPECT_EQ(body("/users/me"), "me");
    EXPECT_EQ(body("/users/m"), "one");
    EXPECT_EQ(body("/users/mee"), "one");
}

TEST_F(Router, goes_back_where_a_literal_leads_nowhere)
{
    routes.get("/users/me", says("me"));
    routes.get("/users/{id}/posts", says("posts"));
    routes.get("/users/mean/{what}/x", says("mean"));
    routes.get("/{a}/me/{b}/y", says("deep"));
    routes.freeze();
    EXPECT_EQ(body("/users/me/posts"), "posts");
    EXPECT_EQ(body("/users/mean/posts/x"), "mean");
    EXPECT_EQ(body("/users/me/posts/y"), "deep");
    EXPECT_EQ(parameter("/users/me/posts/y", "a"), "users");
    EXPECT_EQ(parameter("/users/me/posts/y", "b"), "posts");
    EXPECT_EQ(ask(method::get, "/users/me/posts/z").status(), status::not_found);
}

TEST_F(Router, lets_the_path_alone_choose_the_resource)
{
    routes.get("/users/me", says("me"));
    routes.del("/users/{id}", says("gone"));
    routes.freeze();
    EXPECT_EQ(ask(method::delete_, "/users/me").status(), status::method_not_allowed);
    EXPECT_EQ(ask(method::delete_, "/users/you").body(), "gone");
}

TEST_F(Router, gives_parameters_their_names_and_values)
{
    routes.get("/a/{first}/b/{second}", says("ab"));
    routes.post("/a/{other}/b/{names}", says("ab"));
    routes.get("/plain", says("plain"));
    routes.freeze();
    EXPECT_EQ(parameter("/a/x/b/y%20z", "first"), "x");
    EXPECT_EQ(parameter("/a/x/b/y%20z", "second"), "y z");
    sample one(method::post, "/a/1/b/2");
    EXPECT_EQ(routes.find(one.asked).found->pattern(), "/a/{other}/b/{names}");
    EXPECT_EQ(one.asked.path<int>("names").value(), 2);
    EXPECT_EQ(one.asked.route(), "/a/{other}/b/{names}");
    // Found again, a request forgets what it was.
    http::request::parts::path(one.asked) = "/plain";
    static_cast<void>(routes.find(one.asked));
    EXPECT_TRUE(http::request::parts::path_parameters(one.asked).empty());
}

TEST_F(Router, takes_no_empty_parameter)
{
    routes.get("/a/{x}", says("x"));
    routes.get("/b/{x}/c", says("c"));
    routes.freeze();
    EXPECT_EQ(ask(method::get, "/a/").status(), status::not_found);
    EXPECT_EQ(ask(method::get, "/b//c").status(), status::not_found);
}

TEST_F(Router, tells_a_trailing_slash)
{
    routes.get("/a", says("without"));
    routes.get("/b/", says("with"));
    routes.freeze();
    EXPECT_EQ(ask(method::get, "/a/").status(), status::not_found);
    EXPECT_EQ(ask(method::get, "/b").status(), status::not_found);
    EXPECT_EQ(body("/b/"), "with");
}

TEST_F(Router, takes_encoded_unreserved_characters_for_themselves)
{
    routes.get("/users/{id}/~posts", says("posts"));
    routes.get("/caf%c3%a9", says("coffee"));
    routes.get("/%7Etilde", says("tilde"));
    routes.freeze();
    EXPECT_EQ(body("/%75sers/7/%7eposts"), "posts");
    EXPECT_EQ(body("/us%65rs/7/~posts"), "posts");
    EXPECT_EQ(body("/caf%C3%A9"), "coffee");
    EXPECT_EQ(body("/c%61f%c3%a9"), "coffee");
    EXPECT_EQ(body("/~tilde"), "tilde");
    EXPECT_EQ(ask(method::get, "/users%40/7/~posts").status(), status::not_found);
}

TEST_F(Router, keeps_parameters_as_they_were_sent)
{
    routes.get("/users/{id}/posts/{post}", says("post"));
    routes.freeze();
    sample one = get("/%75sers/%41%2Fb/p%6fsts/%7a%2f");
    EXPECT_EQ(routes.find(one.asked).found->pattern(), "/users/{id}/posts/{post}");
    EXPECT_EQ(http::request::parts::path_parameters(one.asked)[0].value, "%41%2Fb");
    EXPECT_EQ(http::request::parts::path_parameters(one.asked)[1].value, "%7a%2f");
    EXPECT_EQ(one.asked.path<std::string>("id").value(), "A/b");
}

TEST_F(Router, never_splits_a_segment_at_an_encoded_slash)
{
    routes.get("/a/b", says("two"));
    routes.get("/{one}", says("one"));
    routes.freeze();
    EXPECT_EQ(body("/a%2Fb"), "one");
    EXPECT_EQ(body("/a%2fb"), "one");
    EXPECT_EQ(body("/a/b"), "two");
}

TEST_F(Router, prefers_an_encoded_literal_over_a_parameter)
{
    routes.get("/users/me", says("me"));
    routes.get("/users/{id}", says("one"));
    routes.freeze();
    EXPECT_EQ(body("/users/m%65"), "me");
    EXPECT_EQ(body("/users/m%66"), "one");
}

TEST_F(Router, follows_get_with_head)
{
    routes.get("/a", says("a"));
    routes.post("/b", says("b"));
    routes.freeze();
    sample head(method::head, "/a");
    const route* found = routes.find(head.asked).found;
    EXPECT_EQ(found->method(), method::get);
    EXPECT_EQ(answer_of(*found, head.asked, turns).status(), status::ok);
    EXPECT_EQ(ask(method::head, "/b").status(), status::method_not_allowed);
}

TEST_F(Router, answers_405_with_what_is_allowed)
{
    routes.get("/a/{x}", says("a"));
    routes.del("/a/{x}", says("a"));
    routes.post("/b", says("b"));
    routes.freeze();
    sample one(method::post, "/a/1");
    const response refusal = answer_of(*routes.find(one.asked).found, one.asked, turns);
    EXPECT_EQ(refusal.status(), status::method_not_allowed);
    EXPECT_EQ(refusal.header("Allow"), "GET, HEAD, DELETE, OPTIONS");
    EXPECT_EQ(refusal.content_type(), http::application_problem_json);
    EXPECT_EQ(one.asked.route(), "/a/{x}");
    EXPECT_EQ(ask(method::get, "/b").header("Allow"), "POST, OPTIONS");
    EXPECT_EQ(ask(method::trace, "/b").status(), status::method_not_allowed);
    EXPECT_EQ(ask(method::connect, "/b").status(), status::method_not_allowed);
}

TEST_F(Router, answers_options_by_itself)
{
    routes.get("/a", says("a"));
    routes.put("/a", says("a"));
    routes.options("/b", says("own"));
    routes.freeze();
    const response answer = ask(method::options, "/a");
    EXPECT_EQ(answer.status(), status::no_content);
    EXPECT_EQ(answer.header("Allow"), "GET, HEAD, PUT, OPTIONS");
    EXPECT_EQ(ask(method::options, "/b").body(), "own");
    EXPECT_EQ(ask(method::options, "/c").status(), status::not_found);
}

TEST_F(Router, answers_options_for_the_whole_server)
{
    routes.get("/a", says("a"));
    routes.post("/b", says("b"));
    routes.freeze();
    const response answer = ask(method::options, "*");
    EXPECT_EQ(answer.status(), status::no_content);
    http::test_request server(method::options, "*");
    EXPECT_EQ(routes.find(server.get()).found->pattern(), "*"); // for the access line: it is no route's
    EXPECT_EQ(answer.header("Allow"), "GET, HEAD, POST, OPTIONS");
}

TEST_F(Router, tells_many_literal_paths_of_one_size_apart)
{
    const auto path = [](int i) {
        return "/" + std::string(static_cast<std::size_t>(i % 3 * 40), 'x') + std::to_string(10000 + i);
    };
    for (int i = 0; i < 2000; i += 2) routes.get(path(i), [i](request&) { return response::text(std::to_string(i)); });
    routes.freeze();
    for (int i = 0; i < 2000; ++i) {
        const response answer = ask(method::get, path(i));
        if (i % 2 == 0)
            EXPECT_EQ(answer.body(), std::to_string(i));
        else
            EXPECT_EQ(answer.status(), status::not_found);
    }
}

TEST_F(Router, refuses_malformed_patterns)
{
    for (const std::string_view pattern : {"",
                                           "a",
                                           "*",
                                           "//",
                                           "/a//b",
                                           "/{}",
                                           "/{a",
                                           "/a}",
                                           "/x{a}",
                                           "/{a}x",
                                           "/{a}{b}",
                                           "/{a b}",
                                           "/{a}/{a}",
                                           "/a b",
                                           "/a?b",
                                           "/a#b",
                                           "/%",
                                           "/%2",
                                           "/%zz",
                                           "/\x01",
                                           "/caf\xC3\xA9",
                                           "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"})
        EXPECT_THROW(routes.get(pattern, says("")), std::invalid_argument) << pattern;
    EXPECT_NO_THROW(routes.get("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}", says("")));
}

TEST_F(Router, refuses_a_route_that_is_there)
{
    routes.get("/a/{x}", says(""));
    routes.get("/a/%7Eb", says(""));
    EXPECT_THROW(routes.get("/a/{x}", says("")), std::invalid_argument);
    EXPECT_THROW(routes.get("/a/{y}", says("")), std::invalid_argument);
    EXPECT_THROW(routes.get("/a/~b", says("")), std::invalid_argument);
    EXPECT_NO_THROW(routes.post("/a/{y}", says("")));
}

TEST_F(Router, nests_groups)
{
    auto v1 = routes.group("/v1");
    auto users = v1.group("/users");
    users.get("", says("list"));
    users.get("/", says("slash"));
    users.get("/{id}", says("one"));
    v1.group("/orgs/{org}").get("/members/{id}", says("member"));
    routes.group("").get("/none", says("none"));
    routes.freeze();
    EXPECT_EQ(body("/v1/users"), "list");
    EXPECT_EQ(body("/v1/users/"), "slash");
    EXPECT_EQ(body("/v1/users/5"), "one");
    EXPECT_EQ(body("/none"), "none");
    EXPECT_EQ(parameter("/v1/orgs/o/members/m", "org"), "o");
    EXPECT_EQ(parameter("/v1/orgs/o/members/m", "id"), "m");
}

TEST_F(Router, refuses_a_prefix_that_does_not_join)
{
    for (const std::string_view prefix : {"/", "/a/", "a", "/a//b", "/{", "*"})
        EXPECT_THROW(static_cast<void>(routes.group(prefix)), std::invalid_argument) << prefix;
}

TEST_F(Router, keeps_the_options_of_a_route)
{
    routes.post("/upload", says(""),
                {.body_bytes = 1'000'000'000, .request_timeout = std::chrono::minutes(5), .stream_body = true});
    routes.freeze();
    sample one(method::post, "/upload");
    const route_options& options = routes.find(one.asked).found->options();
    EXPECT_EQ(options.body_bytes, 1'000'000'000u);
    EXPECT_EQ(options.request_timeout, std::chrono::minutes(5));
    EXPECT_TRUE(options.stream_body);
}

TEST_F(Router, lists_what_was_registered_in_order)
{
    routes.post("/b", says(""));
    routes.get("/b", says(""));
    routes.get("/a/{x}", says(""));
    routes.freeze();
    std::vector<std::string> listed;
    for (const route* one : routes.list())
        listed.push_back(std::string(http::name(one->method())) + " " + std::string(one->pattern()));
    EXPECT_EQ(listed, (std::vector<std::string>{"GET /a/{x}", "GET /b", "POST /b"}));
}

} // namespace
} // namespace sluice::test

// Requests and responses as applications and their tests see them.
#include "http/characters.hpp"

#include <sluice/http/response.hpp>
#include <sluice/http/test_request.hpp>

#include <gtest/gtest.h>

namespace sluice::http {

namespace {

TEST(Request, is_built_without_a_socket)
{
    test_request built(method::post, "/users/7?verbose=true&x=1", "{}");
    built.header("Content-Type", "application/json").path_parameter("id", "7").client("192.0.2.1");
    request& r = built.get();
    EXPECT_EQ(r.method(), method::post);
    EXPECT_EQ(r.target(), "/users/7?verbose=true&x=1");
    EXPECT_EQ(r.path(), "/users/7");
    EXPECT_EQ(r.query(), "verbose=true&x=1");
    EXPECT_EQ(r.body(), "{}");
    EXPECT_EQ(r.client(), "192.0.2.1");
    EXPECT_EQ(r.header("content-type"), "application/json");
    EXPECT_EQ(r.path<int>("id"), 7);
    EXPECT_EQ(&r.context(), &built.context());
}

TEST(FieldValue, is_told_from_what_is_none_at_every_place)
{
    for (std::size_t size = 0; size <= 20; ++size) {
        EXPECT_TRUE(is_field_value(std::string(size, 'a')));
        for (std::size_t at = 0; at < size; ++at) {
            for (unsigned c = 0; c < 256; ++c) {
                std::string text(size, 'a');
                text[at] = static_cast<char>(c);
                EXPECT_EQ(is_field_value(text), (c >= 0x20 && c != 0x7F) || c == '\t') << size << ' ' << at << ' ' << c;
                if (at + 1 == size) continue;
                text[at + 1] = '\xC3'; // what borrows from its neighbour
                EXPECT_EQ(is_field_value(text), (c >= 0x20 && c != 0x7F) || c == '\t') << size << ' ' << at << ' ' << c;
            }
        }
    }
}

TEST(Request, gives_path_parameters_decoded)
{
    test_request built;
    built.path_parameter("name", "a%20b%2Fc+d");
    EXPECT_EQ(built.get().path<std::string>("name"), "a b/c+d");
}

TEST(Request, has_not_found_for_a_path_parameter_that_is_no_such_value)
{
    test_request built;
    built.path_parameter("id", "7x").path_parameter("broken", "%4");
    EXPECT_EQ(built.get().path<int>("id").error().code, errc::not_found);
    EXPECT_EQ(built.get().path<uuid>("id").error().code, errc::not_found);
    EXPECT_EQ(built.get().path<std::string>("broken").error().code, errc::not_found);
    EXPECT_EQ(built.get().path<int>("absent").error().code, errc::not_found);
}

TEST(Request, gives_query_parameters_decoded_as_forms_are)
{
    test_request built(method::get, "/?a=b+c%26d&limit=50&flag=true&empty=&bare&na%6De=x");
    const request& r = built.get();
    EXPECT_EQ(r.query<std::string>("a"), "b c&d");
    EXPECT_EQ(r.query<int>("limit"), 50);
    EXPECT_EQ(r.query<bool>("flag"), true);
    EXPECT_EQ(r.query<std::string>("empty"), "");
    EXPECT_EQ(r.query<std::string>("bare"), "");
    EXPECT_EQ(r.query<std::string>("name"), "x");
}

TEST(Request, has_nothing_for_an_absent_query_parameter)
{
    test_request built(method::get, "/?limits=1");
    const auto found = built.get().query<int>("limit");
    ASSERT_TRUE(found.has_value());
    EXPECT_FALSE(found->has_value());
}

TEST(Request, finds_a_query_parameter_malformed)
{
    test_request built(method::get, "/?twice=1&twice=2&number=x&broken=%4");
    for (const char* name : {"twice", "number", "broken"}) {
        const auto found = built.get().query<int>(name);
        ASSERT_FALSE(found.has_value()) << name;
        EXPECT_EQ(found.error().code, errc::malformed);
        EXPECT_NE(found.error().detail.find(name), std::string::npos);
    }
}

TEST(Headers, are_found_in_any_case)
{
    headers fields;
    fields.add("Accept", "a");
    fields.add("ACCEPT", "b");
    EXPECT_EQ(fields.find("accept"), "a");
    EXPECT_EQ(fields.count("aCCept"), 2u);
    EXPECT_FALSE(fields.find("accept-language"));
    EXPECT_EQ(fields.count("other"), 0u);
}

TEST(Headers, are_lists_over_all_fields_of_a_name)
{
    headers fields;
    fields.add("Connection", "keep-alive , Upgrade");
    fields.add("connection", ",, close\t");
    fields.add("Other", "x");
    EXPECT_TRUE(fields.has_token("connection", "upgrade"));
    EXPECT_TRUE(fields.has_token("connection", "close"));
    EXPECT_FALSE(fields.has_token("connection", "x"));
    EXPECT_FALSE(fields.has_token("connection", "keep"));
    EXPECT_FALSE(fields.has_token("connection", ""));
}

TEST(Value, is_percent_decoded)
{
    pooled_string out;
    EXPECT_TRUE(percent_decode("%00%fF+a", out));
    EXPECT_EQ(out, pooled_string("\0\xFF+a", 4));
    out.clear();
    EXPECT_TRUE(form_decode("a+%2B", out));
    EXPECT_EQ(out, "a +");
    for (const char* bad : {"%", "%1", "a%1g", "%g1", "%%41"}) {
        out.clear();
        EXPECT_FALSE(percent_decode(bad, out)) << bad;
    }
}

TEST(Value, is_typed_only_if_all_of_it_is_one)
{
    EXPECT_EQ(from_text<int>("-12"), -12);
    EXPECT_EQ(from_text<std::uint8_t>("255"), 255);
    EXPECT_FALSE(from_text<std::uint8_t>("256"));
    EXPECT_FALSE(from_text<int>(""));
    EXPECT_FALSE(from_text<int>(" 1"));
    EXPECT_FALSE(from_text<int>("1 "));
    EXPECT_FALSE(from_text<int>("+1"));
    EXPECT_EQ(from_text<bool>("false"), false);
    EXPECT_FALSE(from_text<bool>("1"));
}

TEST(Response, gives_its_fields_back)
{
    response made;
    made.header("ETag", "\"1\"").header("X-Empty", "").header("Allow", "GET, HEAD");
    EXPECT_EQ(made.header("etag"), "\"1\"");
    EXPECT_EQ(made.header("x-empty"), "");
    EXPECT_EQ(made.header("ALLOW"), "GET, HEAD");
    EXPECT_FALSE(made.header("Location"));
    EXPECT_EQ(made.header_block(), "ETag: \"1\"\r\nX-Empty: \r\nAllow: GET, HEAD\r\n");
}

TEST(Response, gives_its_body_back_however_it_is_held)
{
    EXPECT_EQ(response::text("a").body(), "a");
    response made;
    EXPECT_EQ(made.body(), "");
    made.static_body("b", text_plain);
    EXPECT_EQ(made.body(), "b");
    EXPECT_EQ(made.content_type(), "text/plain");
    EXPECT_FALSE(made.share());
    const auto shared = std::make_shared<const std::string>("c");
    made.body(shared, application_json);
    EXPECT_EQ(made.body(), "c");
    EXPECT_EQ(made.share(), shared);
    made.stream({}, text_plain);
    EXPECT_TRUE(made.streamed());
    EXPECT_EQ(made.body(), "");
}

using ResponseDeath = ::testing::Test;

TEST_F(ResponseDeath, dies_of_a_field_that_would_split_it)
{
    response made;
    EXPECT_DEATH(made.header("X-A", "b\r\nX-C: d"), "");
    EXPECT_DEATH(made.header("X-A", std::string_view("\0", 1)), "");
    EXPECT_DEATH(made.header("X A", "b"), "");
    EXPECT_DEATH(made.header("", "b"), "");
}

TEST(Status, has_its_phrase)
{
    EXPECT_EQ(reason(status::not_found), "Not Found");
    EXPECT_EQ(reason(status::header_fields_too_large), "Request Header Fields Too Large");
    EXPECT_EQ(reason(static_cast<status>(299)), "");
}

TEST(Method, has_its_name)
{
    EXPECT_EQ(name(method::get), "GET");
    EXPECT_EQ(name(method::delete_), "DELETE");
    EXPECT_EQ(name(method::connect), "CONNECT");
}

} // namespace

} // namespace sluice::http

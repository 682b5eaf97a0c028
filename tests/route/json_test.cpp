#include <sluice/http/test_request.hpp>
#include <sluice/route/json.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice::test {
namespace {

struct point
{
    int x = 0, y = 0;
};

} // namespace
} // namespace sluice::test

template <> struct sluice::fields<sluice::test::point>
{
    static constexpr auto list = std::tuple{field("x", &test::point::x), field("y", &test::point::y)};
};

namespace sluice::test {
namespace {

constexpr std::string_view body = R"({"x":1,"y":2})";

errc refusal(std::string_view content_type, media_types accepted = {"application/json"})
{
    http::test_request asked(http::method::post, "/", body);
    asked.header("Content-Type", content_type);
    const auto read = json_body<point>(asked.get(), accepted);
    return read ? errc{} : read.error().code;
}

bool accepts(std::string_view content_type, media_types accepted = {"application/json"})
{
    http::test_request asked(http::method::post, "/", body);
    asked.header("Content-Type", content_type);
    const auto read = json_body<point>(asked.get(), accepted);
    return read && read->x == 1 && read->y == 2;
}

TEST(RouteJson, answers_with_a_value)
{
    const http::response answer = json(point{.x = 1, .y = 2}, http::status::created);
    EXPECT_EQ(answer.status(), http::status::created);
    EXPECT_EQ(answer.content_type(), "application/json");
    EXPECT_EQ(answer.body(), body);
    EXPECT_EQ(json(point{}).status(), http::status::ok);
}

TEST(RouteJson, reads_a_body_of_its_type)
{
    EXPECT_TRUE(accepts("application/json"));
    EXPECT_TRUE(accepts("Application/JSON"));
    EXPECT_TRUE(accepts("application/json; charset=utf-8"));
    EXPECT_TRUE(accepts("application/json;charset=\"UTF-8\""));
    EXPECT_TRUE(accepts("application/json ; profile=x ; CHARSET=Utf-8"));
    EXPECT_TRUE(accepts("application/json;"));
    EXPECT_TRUE(accepts("application/merge-patch+json", {"application/merge-patch+json", "application/json"}));
    EXPECT_TRUE(accepts("application/json", {"application/merge-patch+json", "application/json"}));
}

TEST(RouteJson, refuses_a_body_of_another_type)
{
    for (const std::string_view type :
         {"", "text/plain", "application/jsonx", "application", "application/x-www-form-urlencoded",
          "application/problem+json", "application/json, application/json", "text/plain;application/json",
          "application/json; charset=latin1", "application/json; charset", "application/json; charset="})
        EXPECT_EQ(refusal(type), errc::unsupported_media_type) << type;
}

TEST(RouteJson, refuses_a_body_of_no_type_or_of_two)
{
    http::test_request none(http::method::post, "/", body);
    EXPECT_EQ(json_body<point>(none.get()).error().code, errc::unsupported_media_type);
    http::test_request two(http::method::post, "/", body);
    two.header("Content-Type", "application/json").header("content-type", "application/json");
    EXPECT_EQ(json_body<point>(two.get()).error().code, errc::unsupported_media_type);
}

TEST(RouteJson, refuses_a_body_that_is_encoded)
{
    http::test_request packed(http::method::post, "/", body);
    packed.header("Content-Type", "application/json").header("Content-Encoding", "gzip");
    EXPECT_EQ(json_body<point>(packed.get()).error().code, errc::unsupported_media_type);
    http::test_request plain(http::method::post, "/", body);
    plain.header("Content-Type", "application/json").header("Content-Encoding", "Identity");
    EXPECT_TRUE(json_body<point>(plain.get()).has_value());
}

TEST(RouteJson, says_which_types_it_takes)
{
    http::test_request asked(http::method::post, "/", body);
    EXPECT_EQ(json_body<point>(asked.get(), {"application/merge-patch+json", "application/json"}).error().detail,
              "The body must be of the type application/merge-patch+json or application/json");
}

TEST(RouteJson, tells_malformed_from_invalid)
{
    http::test_request asked(http::method::post);
    asked.header("Content-Type", "application/json");
    EXPECT_EQ(json_body<point>(asked.get()).error().code, errc::malformed); // no body at all
    asked.body("[1,,2]");
    EXPECT_EQ(json_body<point>(asked.get()).error().code, errc::malformed);
    asked.body(R"({"x":"1"})");
    const error invalid = json_body<point>(asked.get()).error();
    EXPECT_EQ(invalid.code, errc::invalid);
    EXPECT_EQ(invalid.violations, (std::vector<violation>{{"/x", "must be an integer"}, {"/y", "is required"}}));
}

} // namespace
} // namespace sluice::test

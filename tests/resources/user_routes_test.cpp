// The users API through router, routes, service and a repository in memory: no socket, no database.
#include "../sqlite/run.hpp"
#include "resources/users/memory_user_repository.hpp"
#include "resources/users/user_routes.hpp"
#include "user_documents.hpp"

#include <sluice/http/test_request.hpp>
#include <sluice/json/read.hpp>
#include <sluice/route/json.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::users {
namespace {

using http::method;
using http::status;
using http::test_request;

constexpr std::string_view nobody = "/users/01890000-0000-7000-8000-000000000001";

class UserRoutes : public testing::Test
{
protected:
    UserRoutes()
    {
        user_routes(routes, service);
        routes.freeze();
    }
    response answer(test_request& asked)
    {
        const auto match = routes.find(asked.get());
        return test::run(match.found->answer_waiting(asked.get()));
    }
    response get(std::string_view target, std::string_view name = {}, std::string_view value = {})
    {
        return send(method::get, target, {}, name, value);
    }
    response send(method m, std::string_view target, std::string_view body = {}, std::string_view name = {},
                  std::string_view value = {})
    {
        test_request asked(m, target, body);
        if (!name.empty()) asked.header(name, value);
        return answer(asked);
    }
    response post(std::string_view body)
    {
        return send(method::post, "/users", body, "Content-Type", "application/json");
    }
    response patch(std::string_view target, std::string_view body,
                   std::string_view type = "application/merge-patch+json")
    {
        return send(method::patch, target, body, "Content-Type", type);
    }
    // Makes a user; gives its path.
    std::string make(const std::string& email, const std::string& name = "Ada")
    {
        const response made = post(R"({"email":")" + email + R"(","name":")" + name + "\"}");
        EXPECT_EQ(made.status(), status::created);
        return std::string(made.header("Location").value_or(""));
    }
    template <class T> static T read(const response& from)
    {
        auto document = read_json<T>(from.body());
        EXPECT_TRUE(document) << from.body();
        return document.value_or(T());
    }
    static problem_document problem(const response& from)
    {
        EXPECT_EQ(from.content_type(), "application/problem+json");
        const auto document = read<problem_document>(from);
        EXPECT_EQ(document.status, static_cast<int>(from.status()));
        return document;
    }

    memory_user_repository repository;
    user_service service{repository};
    router routes;
};

// --- POST /users

TEST_F(UserRoutes, make_a_user)
{
    const response made = post(R"({"email":"ada@example.com","name":"Ada"})");
    ASSERT_EQ(made.status(), status::created);
    EXPECT_EQ(made.content_type(), "application/json");
    const auto user = read<user_document>(made);
    EXPECT_EQ(user.email, "ada@example.com");
    EXPECT_EQ(user.name, "Ada");
    EXPECT_EQ(user.created_at.size(), 27U);
    EXPECT_EQ(user.created_at, user.updated_at);
    EXPECT_EQ(made.header("Location"), "/users/" + user.id);
    EXPECT_EQ(made.header("ETag"), "\"1\"");
    EXPECT_EQ(read<user_document>(get("/users/" + user.id)), user);
}

TEST_F(UserRoutes, refuse_an_email_that_is_registered_with_409)
{
    make("ada@example.com");
    const response refused = post(R"({"email":"ADA@example.com","name":"Eve"})");
    ASSERT_EQ(refused.status(), status::conflict);
    EXPECT_EQ(problem(refused).detail, "Email already registered");
}

TEST_F(UserRoutes, name_every_wrong_member_in_a_422)
{
    const auto check = [&](std::string_view body, std::vector<std::string> pointers) {
        const response refused = post(body);
        ASSERT_EQ(refused.status(), status::unprocessable_content) << body;
        const auto document = problem(refused);
        ASSERT_TRUE(document.errors) << body;
        std::vector<std::string> named;
        for (const auto& each : *document.errors) named.push_back(each.pointer);
        EXPECT_EQ(named, pointers) << body;
    };
    check(R"({"email":"nobody","name":""})", {"/email", "/name"});
    check(R"({"email":"ada@example.com"})", {"/name"});
    check(R"({})", {"/email", "/name"});
    check(R"({"email":null,"name":7})", {"/email", "/name"});
    check(R"({"email":"ada@example.com","name":"Ada","admin":true})", {"/admin"});
    check(R"({"email":"ada@example.com","name":"Ada","id":"x"})", {"/id"});
    check(R"(["ada@example.com"])", {""});
    check(R"({"email":"ada@example.com","name":"a\u0000b"})", {"/name"});
    EXPECT_TRUE(read<page_document>(get("/users")).items.empty());
}

TEST_F(UserRoutes, refuse_what_is_no_json)
{
    for (const char* body :
         {"", "{", "{\"email\":\"a@b.c\",\"name\":\"A\"}x", "{\"email\":\"a@b.c\",\"name\":\"\xff\"}"})
        EXPECT_EQ(post(body).status(), status::bad_request) << body;
    const char* body = R"({"email":"a@b.c","name":"A"})";
    EXPECT_EQ(send(method::post, "/users", body, "Content-Type", "text/plain").status(),
              status::unsupported_media_type);
    EXPECT_EQ(send(method::post, "/users", body).status(), status::unsupported_media_type);
    EXPECT_EQ(send(method::post, "/users", body, "Content-Type", "Application/JSON; charset=utf-8").status(),
              status::created);
}

// --- GET /users/{id}

TEST_F(UserRoutes, show_a_user_in_either_case_of_its_id)
{
    std::string path = make("ada@example.com");
    const response found = get(path);
    ASSERT_EQ(found.status(), status::ok);
    EXPECT_EQ(found.header("Cache-Control"), "private, no-cache");
    for (char& c : path) c = c >= 'a' && c <= 'f' && path.find(c) > 6 ? static_cast<char>(c - 32) : c;
    EXPECT_EQ(read<user_document>(get(path)), read<user_document>(found));
}

TEST_F(UserRoutes, say_which_user_is_not_there)
{
    const response missing = get(nobody);
    ASSERT_EQ(missing.status(), status::not_found);
    EXPECT_EQ(problem(missing).detail, "User 01890000-0000-7000-8000-000000000001 not found");
}

TEST_F(UserRoutes, do_not_echo_what_is_no_id)
{
    for (const char* id :
         {"xyz", "01890000-0000-7000-8000-00000000000g", "%3Cscript%3E", "0189000000007000800000000000001"}) {
        for (method m : {method::get, method::patch, method::delete_}) {
            const response missing = send(m, std::string("/users/") + id, "{}", "Content-Type", "application/json");
            ASSERT_EQ(missing.status(), status::not_found) << id;
            EXPECT_EQ(missing.body().find(id), std::string_view::npos);
        }
    }
}

TEST_F(UserRoutes, answer_304_while_the_client_has_the_newest)
{
    const std::string path = make("ada@example.com");
    for (const char* tags : {"\"1\"", "W/\"1\"", "\"0\", \"1\"", "\"a,b\" ,W/\"1\"", "*", ",, \"1\""}) {
        const response unchanged = get(path, "If-None-Match", tags);
        EXPECT_EQ(unchanged.status(), status::not_modified) << tags;
        EXPECT_EQ(unchanged.header("ETag"), "\"1\"");
        EXPECT_EQ(unchanged.header("Cache-Control"), "private, no-cache");
        EXPECT_TRUE(unchanged.body().empty());
    }
    for (const char* tags : {"\"2\"", "1", "\"11\"", "\"\"", "\"1", "x, \"1\""})
        EXPECT_EQ(get(path, "If-None-Match", tags).status(), status::ok) << tags;
    patch(path, R"({"name":"Countess"})");
    EXPECT_EQ(get(path, "If-None-Match", "\"1\"").status(), status::ok);
}

// --- GET /users

TEST_F(UserRoutes, list_users_page_by_page)
{
    std::vector<std::string> made;
    for (int i = 0; i < 7; ++i) made.push_back(make("user" + std::to_string(i) + "@example.com"));
    std::vector<std::string> seen;
    std::string target = "/users?limit=3";
    for (int page = 0;; ++page) {
        ASSERT_LT(page, 3);
        const response answered = get(target);
        ASSERT_EQ(answered.status(), status::ok);
        EXPECT_EQ(answered.header("Cache-Control"), "private, no-cache");
        const auto document = read<page_document>(answered);
        for (const auto& each : document.items) seen.push_back("/users/" + each.id);
        ASSERT_FALSE(document.next_cursor.absent());
        if (document.next_cursor.null()) break;
        target = "/users?limit=3&cursor=" + document.next_cursor.value();
    }
    EXPECT_EQ(seen, made);
}

TEST_F(UserRoutes, list_fifty_users_unless_told_otherwise)
{
    for (int i = 0; i < 51; ++i) make("user" + std::to_string(i) + "@example.com");
    EXPECT_EQ(read<page_document>(get("/users")).items.size(), 50U);
    EXPECT_EQ(read<page_document>(get("/users?limit=200")).items.size(), 51U);
}

TEST_F(UserRoutes, refuse_a_limit_or_cursor_that_is_none)
{
    for (const char* query :
         {"limit=0", "limit=201", "limit=-1", "limit=", "limit=1x", "limit=1&limit=2", "limit=99999999999999999999",
          "cursor=", "cursor=x", "cursor=AAAAAAAAAAAAAAAAAAAAAAA", "cursor=a&cursor=b", "limit=0&email=a@b.c"}) {
        const response refused = get(std::string("/users?") + query);
        EXPECT_EQ(refused.status(), status::bad_request) << query;
        problem(refused);
    }
}

TEST_F(UserRoutes, find_a_user_by_email)
{
    const std::string path = make("a+b@example.com");
    make("other@example.com");
    for (const char* query : {"email=a%2Bb@example.com", "email=A%2BB%40EXAMPLE.com"}) {
        const auto document = read<page_document>(get(std::string("/users?") + query));
        ASSERT_EQ(document.items.size(), 1U);
        EXPECT_EQ("/users/" + document.items[0].id, path);
        EXPECT_TRUE(document.next_cursor.null());
    }
    for (const char* query : {"email=nobody@example.com", "email=", "email=x"}) {
        const response none = get(std::string("/users?") + query);
        EXPECT_EQ(none.status(), status::ok);
        EXPECT_TRUE(read<page_document>(none).items.empty());
    }
}

// --- PATCH /users/{id}

TEST_F(UserRoutes, change_what_a_patch_names)
{
    const std::string path = make("ada@example.com");
    const auto before = read<user_document>(get(path));
    for (const char* type : {"application/merge-patch+json", "application/json"}) {
        const response changed = patch(path, std::string(R"({"name":")") + type + "\"}", type);
        ASSERT_EQ(changed.status(), status::ok);
        const auto after = read<user_document>(changed);
        EXPECT_EQ(after.name, type);
        EXPECT_EQ(after.email, before.email);
        EXPECT_EQ(after.created_at, before.created_at);
    }
    EXPECT_EQ(get(path).header("ETag"), "\"3\"");
}

TEST_F(UserRoutes, keep_etag_and_time_when_a_patch_changes_nothing)
{
    const std::string path = make("ada@example.com", "Ada");
    const response before = get(path);
    for (const char* body : {"{}", R"({"name":"Ada"})", R"({"name":"Ada","email":"ada@example.com"})"}) {
        const response same = patch(path, body);
        EXPECT_EQ(same.status(), status::ok);
        EXPECT_EQ(same.header("ETag"), "\"1\"");
        EXPECT_EQ(same.body(), before.body());
    }
}

TEST_F(UserRoutes, refuse_null_and_unknown_members_in_a_patch)
{
    const std::string path = make("ada@example.com");
    for (const char* body :
         {R"({"name":null})", R"({"email":null})", R"({"id":"x"})", R"({"name":""})", R"([])", R"("x")", "null"})
        EXPECT_EQ(patch(path, body).status(), status::unprocessable_content) << body;
    EXPECT_EQ(patch(path, "{").status(), status::bad_request);
    EXPECT_EQ(get(path).header("ETag"), "\"1\"");
}

TEST_F(UserRoutes, say_which_patches_they_accept)
{
    const response refused = patch(make("ada@example.com"), "{}", "application/json-patch+json");
    EXPECT_EQ(refused.status(), status::unsupported_media_type);
    EXPECT_EQ(refused.header("Accept-Patch"), "application/merge-patch+json, application/json");
    problem(refused);
}

TEST_F(UserRoutes, do_not_patch_into_an_email_that_is_registered)
{
    make("bob@example.com");
    const response refused = patch(make("ada@example.com"), R"({"email":"BOB@example.com"})");
    EXPECT_EQ(refused.status(), status::conflict);
    EXPECT_EQ(problem(refused).detail, "Email already registered");
}

TEST_F(UserRoutes, say_404_for_a_patch_or_removal_of_nobody)
{
    EXPECT_EQ(patch(nobody, "{}").status(), status::not_found);
    EXPECT_EQ(send(method::delete_, nobody).status(), status::not_found);
    EXPECT_EQ(send(method::delete_, nobody, {}, "If-Match", "\"1\"").status(), status::not_found);
}

// --- If-Match, DELETE

TEST_F(UserRoutes, write_only_to_the_version_that_if_match_names)
{
    const std::string path = make("ada@example.com");
    const auto change = [&](std::string_view tags) {
        test_request asked(method::patch, path, R"({"name":"Countess"})");
        asked.header("Content-Type", "application/json").header("If-Match", tags);
        return answer(asked).status();
    };
    // Strong comparison: a weak tag never matches.
    for (const char* stale : {"\"2\"", "W/\"1\"", "\"x\"", "\"01\"", "\"01\"x\"", "\"\""})
        EXPECT_NE(change(stale), status::ok) << stale;
    EXPECT_EQ(change("\"2\""), status::precondition_failed);
    EXPECT_EQ(change("1"), status::bad_request);
    EXPECT_EQ(get(path).header("ETag"), "\"1\"");
    EXPECT_EQ(change("\"7\", \"1\""), status::ok);
    EXPECT_EQ(change("*"), status::ok);
    EXPECT_EQ(send(method::delete_, path, {}, "If-Match", "\"1\"").status(), status::precondition_failed);
    EXPECT_EQ(send(method::delete_, path, {}, "If-Match", "\"2\"").status(), status::no_content);
}

TEST_F(UserRoutes, refuse_a_condition_on_a_write_that_they_do_not_know)
{
    const std::string path = make("ada@example.com");
    EXPECT_EQ(send(method::delete_, path, {}, "If-None-Match", "*").status(), status::bad_request);
    EXPECT_EQ(get(path).status(), status::ok);
}

TEST_F(UserRoutes, join_several_if_match_fields)
{
    const std::string path = make("ada@example.com");
    test_request asked(method::delete_, path);
    asked.header("If-Match", "\"5\"").header("if-match", "\"1\"");
    EXPECT_EQ(answer(asked).status(), status::no_content);
}

TEST_F(UserRoutes, remove_a_user_once)
{
    const std::string path = make("ada@example.com");
    const response removed = send(method::delete_, path);
    EXPECT_EQ(removed.status(), status::no_content);
    EXPECT_TRUE(removed.body().empty());
    EXPECT_EQ(send(method::delete_, path).status(), status::not_found);
    EXPECT_EQ(get(path).status(), status::not_found);
    make("ada@example.com"); // the e-mail is free again
}

} // namespace
} // namespace sluice::users

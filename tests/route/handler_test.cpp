// Handlers of every kind, errors and exceptions.
#include "support.hpp"

#include <sluice/core/error.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace sluice::test {
namespace {

using http::status;

result<response> free_function(request&) { return response::text("free"); }

struct counting
{
    int calls = 0;
    response operator()(request&) { return response::text(std::to_string(++calls)); }
};

class HandlerTest : public testing::Test
{
protected:
    const route& find(std::string_view path)
    {
        asked = std::make_unique<sample>(http::method::get, path);
        return *routes.find(asked->asked).found;
    }
    response answer(std::string_view path)
    {
        const route& found = find(path);
        return answer_of(found, asked->asked, turns);
    }

    executor turns;
    router routes;
    std::unique_ptr<sample> asked;
};

using Handler = HandlerTest;

TEST_F(Handler, may_be_any_callable)
{
    routes.get("/free", free_function);
    routes.get("/lambda", [](request&) { return response::text("lambda"); });
    routes.get("/result", [](request&) -> result<response> { return response::text("result"); });
    routes.get("/mutable", counting());
    routes.get("/owning", [text = std::make_unique<std::string>("owning")](request&) { return response::text(*text); });
    routes.get("/task", [](request&) -> task<result<response>> { co_return response::text("task"); });
    routes.get("/generic", [](auto&) { return response::text("generic"); });
    routes.freeze();
    EXPECT_EQ(answer("/free").body(), "free");
    EXPECT_EQ(answer("/lambda").body(), "lambda");
    EXPECT_EQ(answer("/result").body(), "result");
    EXPECT_EQ(answer("/mutable").body(), "1");
    EXPECT_EQ(answer("/mutable").body(), "2");
    EXPECT_EQ(answer("/owning").body(), "owning");
    EXPECT_EQ(answer("/task").body(), "task");
    EXPECT_EQ(answer("/generic").body(), "generic");
}

TEST_F(Handler, may_be_an_object_that_stays_outside)
{
    counting outside;
    routes.get("/", [&outside](request& one) { return outside(one); });
    routes.freeze();
    static_cast<void>(answer("/"));
    EXPECT_EQ(outside.calls, 1);
}

TEST_F(Handler, may_wait)
{
    routes.get("/{n}", [](request& one) -> task<result<response>> {
        const int turns_to_wait = one.path<int>("n").value_or(0);
        for (int i = 0; i < turns_to_wait; ++i) co_await turn();
        co_return response::text(std::to_string(turns_to_wait));
    });
    routes.freeze();
    EXPECT_EQ(answer("/3").body(), "3");
}

TEST_F(Handler, serves_the_waiting_way_even_if_it_is_plain)
{
    routes.get("/", says("plain"));
    routes.freeze();
    const route& found = find("/");
    EXPECT_EQ(run(turns, found.answer_waiting(asked->asked)).body(), "plain");
    EXPECT_EQ(run(turns, found.handle_waiting(asked->asked)).body(), "plain");
    EXPECT_FALSE(run(turns, found.admit_waiting(asked->asked)));
}

struct after_counting : middleware
{
    std::string_view name() const noexcept override { return "counting"; }
    std::optional<result<response>> before(request&) override { return std::nullopt; }
    void after(request&, response&) override { ++calls; }
    int calls = 0;
};

// What a coroutine's handler is given to be tried first, by the path.
std::optional<result<response>> from_memory(request& one)
{
    const std::string name = one.path<std::string>("name").value();
    if (name == "known") return response::text("from memory");
    if (name == "absent") return fail(errc::not_found, "Nobody has that name");
    if (name == "throws") throw std::runtime_error("secret");
    return std::nullopt;
}

TEST_F(Handler, is_not_needed_where_what_is_tried_first_answers)
{
    int handled = 0;
    routes
        .get("/{name}",
             [&handled](request&) -> task<result<response>> {
                 ++handled;
                 co_await turn();
                 co_return response::text("looked up");
             })
        .at_once(from_memory);
    int exceptions = 0;
    routes.on_exception([&exceptions](const request&, const std::exception_ptr&) { ++exceptions; });
    after_counting around;
    routes.use(around);
    routes.freeze();

    const auto at_once = [this](std::string_view path) { return find(path).handle_at_once(asked->asked); };
    EXPECT_EQ(at_once("/known")->body(), "from memory");
    EXPECT_EQ(at_once("/absent")->status(), status::not_found);
    EXPECT_EQ(at_once("/throws")->status(), status::internal_server_error);
    EXPECT_EQ(exceptions, 1);
    EXPECT_EQ(around.calls, 3);
    EXPECT_EQ(handled, 0);

    EXPECT_FALSE(at_once("/other"));
    EXPECT_EQ(around.calls, 3);
    EXPECT_EQ(run(turns, find("/other").handle_waiting(asked->asked)).body(), "looked up");
    EXPECT_EQ(run(turns, find("/known").answer_waiting(asked->asked)).body(),
              "looked up"); // the handler needs nobody ahead of it
}

TEST_F(Handler, answers_at_once_if_it_is_plain_and_not_if_nothing_is_tried_first)
{
    routes.get("/plain", free_function);
    routes.get("/task", [](request&) -> task<result<response>> { co_return response::text("task"); });
    routes.freeze();
    EXPECT_EQ(find("/plain").handle_at_once(asked->asked)->body(), "free");
    EXPECT_EQ(find("/nowhere").handle_at_once(asked->asked)->status(), status::not_found);
    EXPECT_FALSE(find("/task").handle_at_once(asked->asked));
    EXPECT_TRUE(find("/task").admit_at_once(asked->asked).complete);
}

TEST_F(Handler, turns_its_error_into_a_problem_document)
{
    routes.get("/plain", [](request&) -> result<response> { return fail(errc::conflict, "Taken already"); });
    routes.get("/task",
               [](request&) -> task<result<response>> { co_return fail(errc::not_found, "User 7 not found"); });
    routes.freeze();
    const response conflict = answer("/plain");
    EXPECT_EQ(conflict.status(), status::conflict);
    EXPECT_EQ(conflict.content_type(), http::application_problem_json);
    EXPECT_NE(conflict.body().find("Taken already"), std::string_view::npos);
    const response missing = answer("/task");
    EXPECT_EQ(missing.status(), status::not_found);
    EXPECT_NE(missing.body().find("User 7 not found"), std::string_view::npos);
}

TEST_F(Handler, shows_nothing_of_an_exception_but_tells_the_hook)
{
    routes.get("/plain", [](request&) -> response { throw std::runtime_error("secret"); });
    routes.get("/task", [](request&) -> task<result<response>> {
        co_await turn();
        throw std::runtime_error("secret");
    });
    std::string told;
    routes.on_exception([&](const request& one, const std::exception_ptr& why) {
        try {
            std::rethrow_exception(why);
        } catch (const std::exception& caught) {
            told += std::string(one.route()) + " " + caught.what() + ";";
        }
    });
    routes.freeze();
    for (const std::string_view path : {"/plain", "/task"}) {
        const response fault = answer(path);
        EXPECT_EQ(fault.status(), status::internal_server_error);
        EXPECT_EQ(fault.content_type(), http::application_problem_json);
        EXPECT_EQ(fault.body().find("secret"), std::string_view::npos);
    }
    EXPECT_EQ(told, "/plain secret;/task secret;");
}

TEST_F(Handler, needs_no_hook)
{
    routes.get("/", [](request&) -> response { throw 1; });
    routes.freeze();
    EXPECT_EQ(answer("/").status(), status::internal_server_error);
}

} // namespace
} // namespace sluice::test

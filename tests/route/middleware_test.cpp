#include "support.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::test {
namespace {

using http::method;
using http::status;

// Notes when it runs, and answers if it is told to.
template <class Base> struct noting_base : Base
{
    noting_base(std::string& notes, std::string_view called) : notes_(notes), called_(called) {}

    std::string_view name() const noexcept override { return called_; }
    std::optional<result<response>> before(request&) override { return decide(); }
    void after(request&, response& answer) override
    {
        notes_ += std::string(called_) + "> ";
        answer.header("X-Passed", called_);
        if (throws_after) throw std::runtime_error("after");
    }

    bool answers = false, fails = false, throws = false, throws_after = false;

protected:
    std::optional<result<response>> decide()
    {
        notes_ += "<" + std::string(called_) + " ";
        if (throws) throw std::runtime_error("before");
        if (fails) return fail(errc::too_many_requests, "Slow down");
        if (answers) return response::text(called_);
        return std::nullopt;
    }
    std::string& notes_;
    std::string_view called_;
};

using noting = noting_base<middleware>;

struct waiting : noting_base<waiting_middleware>
{
    using noting_base::noting_base;
    std::optional<result<response>> before(request&) override
    {
        ADD_FAILURE() << "before() of a waiting middleware";
        return std::nullopt;
    }
    task<std::optional<result<response>>> before_waiting(request&) override
    {
        co_await turn();
        co_return decide();
    }
    std::optional<said> at_once(request&) override
    {
        ++asked_at_once;
        if (!can_say) return std::nullopt;
        return decide();
    }
    bool can_say = false;
    int asked_at_once = 0;
};

class MiddlewareTest : public testing::Test
{
protected:
    auto handler(std::string_view text)
    {
        return [this, text](request&) {
            notes += "handler ";
            return response::text(text);
        };
    }
    response ask(std::string_view path, method how = method::get)
    {
        notes.clear();
        sample one(how, path);
        return answer_of(*routes.find(one.asked).found, one.asked, turns);
    }

    executor turns;
    std::string notes;
    router routes;
    noting outer{notes, "outer"}, middle{notes, "middle"}, inner{notes, "inner"};
    waiting slow{notes, "slow"};
};

using Middleware = MiddlewareTest;

TEST_F(Middleware, runs_outside_in_and_inside_out)
{
    routes.use(outer);
    auto group = routes.group("/g");
    group.use(middle);
    group.get("/a", handler("a")).use(inner);
    routes.freeze();
    const response answer = ask("/g/a");
    EXPECT_EQ(notes, "<outer <middle <inner handler inner> middle> outer> ");
    EXPECT_EQ(answer.header_block(), "X-Passed: inner\r\nX-Passed: middle\r\nX-Passed: outer\r\n");
}

TEST_F(Middleware, holds_for_its_group_alone)
{
    auto group = routes.group("/g");
    group.use(middle);
    group.get("/a", handler("a"));
    routes.get("/b", handler("b")).use(inner);
    routes.get("/c", handler("c"));
    routes.freeze();
    static_cast<void>(ask("/b"));
    EXPECT_EQ(notes, "<inner handler inner> ");
    static_cast<void>(ask("/c"));
    EXPECT_EQ(notes, "handler ");
    static_cast<void>(ask("/g/a"));
    EXPECT_EQ(notes, "<middle handler middle> ");
}

TEST_F(Middleware, holds_for_nested_groups_and_for_what_came_before_it)
{
    auto group = routes.group("/g");
    auto nested = group.group("/n");
    nested.get("/a", handler("a"));
    nested.use(inner);
    group.use(middle);
    routes.use(outer);
    routes.freeze();
    static_cast<void>(ask("/g/n/a"));
    EXPECT_EQ(notes, "<outer <middle <inner handler inner> middle> outer> ");
}

TEST_F(Middleware, may_answer_in_the_handlers_place)
{
    routes.use(outer);
    routes.get("/a", handler("a")).use(middle).use(inner);
    routes.freeze();
    middle.answers = true;
    EXPECT_EQ(ask("/a").body(), "middle");
    EXPECT_EQ(notes, "<outer <middle middle> outer> ");
    middle.answers = false;
    middle.fails = true;
    EXPECT_EQ(ask("/a").status(), status::too_many_requests);
    EXPECT_EQ(notes, "<outer <middle middle> outer> ");
}

TEST_F(Middleware, is_around_the_routers_own_answers_if_it_is_the_routers)
{
    routes.use(outer);
    auto group = routes.group("/g");
    group.use(middle);
    group.get("/a", handler("a"));
    routes.freeze();
    EXPECT_EQ(ask("/nowhere").status(), status::not_found);
    EXPECT_EQ(notes, "<outer outer> ");
    EXPECT_EQ(ask("/g/a", method::post).status(), status::method_not_allowed);
    EXPECT_EQ(notes, "<outer outer> ");
    EXPECT_EQ(ask("/g/a", method::options).status(), status::no_content);
    EXPECT_EQ(notes, "<outer outer> ");
    EXPECT_EQ(ask("*", method::options).status(), status::no_content);
    EXPECT_EQ(notes, "<outer outer> ");
}

TEST_F(Middleware, may_wait)
{
    routes.use(outer);
    routes.get("/a", handler("a")).use(slow).use(inner);
    routes.freeze();
    sample one = get("/a");
    EXPECT_FALSE(routes.find(one.asked).found->admit_at_once(one.asked).complete);
    EXPECT_EQ(ask("/a").body(), "a");
    EXPECT_EQ(notes, "<outer <slow <inner handler inner> slow> outer> ");
    slow.fails = true;
    EXPECT_EQ(ask("/a").status(), status::too_many_requests);
    EXPECT_EQ(notes, "<outer <slow slow> outer> ");
    slow.throws = true;
    EXPECT_EQ(ask("/a").status(), status::internal_server_error);
}

TEST_F(Middleware, decides_ahead_of_the_body)
{
    routes.post("/a", handler("a")).use(outer).use(inner);
    routes.freeze();
    sample one(method::post, "/a");
    const route& found = *routes.find(one.asked).found;
    EXPECT_TRUE(found.admit_at_once(one.asked).complete);
    EXPECT_EQ(notes, "<outer <inner ");
    EXPECT_EQ(found.handle_at_once(one.asked)->body(), "a");
    EXPECT_EQ(notes, "<outer <inner handler inner> outer> ");

    notes.clear();
    inner.fails = true;
    const auto refused = found.admit_at_once(one.asked).early;
    EXPECT_EQ(refused->status(), status::too_many_requests);
    EXPECT_EQ(refused->header("X-Passed"), "inner");
    EXPECT_EQ(notes, "<outer <inner inner> outer> ");
}

TEST_F(Middleware, decides_ahead_of_the_body_when_it_waits)
{
    routes
        .post("/a",
              [this](request&) -> task<result<response>> {
                  co_await turn();
                  notes += "handler ";
                  co_return response::text("a");
              })
        .use(slow)
        .use(inner);
    routes.freeze();
    sample one(method::post, "/a");
    const route& found = *routes.find(one.asked).found;
    EXPECT_FALSE(run(turns, found.admit_waiting(one.asked)));
    EXPECT_EQ(notes, "<slow <inner ");
    EXPECT_EQ(run(turns, found.handle_waiting(one.asked)).body(), "a");
    EXPECT_EQ(notes, "<slow <inner handler inner> slow> ");
    inner.answers = true;
    EXPECT_EQ(run(turns, found.admit_waiting(one.asked))->body(), "inner");
}

TEST_F(Middleware, needs_no_wait_where_what_may_wait_can_say_at_once)
{
    routes.get("/a", handler("a")).use(outer).use(slow).use(inner);
    routes.freeze();
    sample one(method::get, "/a");
    const route& found = *routes.find(one.asked).found;
    slow.can_say = true;
    EXPECT_TRUE(found.admit_at_once(one.asked).complete);
    EXPECT_EQ(notes, "<outer <slow <inner ");
    EXPECT_EQ(found.handle_at_once(one.asked)->body(), "a");

    notes.clear();
    slow.fails = true;
    const admission refused = found.admit_at_once(one.asked);
    ASSERT_TRUE(refused.early);
    EXPECT_EQ(refused.early->status(), status::too_many_requests);
    EXPECT_EQ(notes, "<outer <slow slow> outer> ");
}

TEST_F(Middleware, goes_on_from_where_it_has_to_wait_and_asks_nothing_twice)
{
    waiting second{notes, "second"};
    routes.get("/a", handler("a")).use(outer).use(slow).use(second).use(inner);
    routes.freeze();
    sample one(method::get, "/a");
    const route& found = *routes.find(one.asked).found;
    const admission now = found.admit_at_once(one.asked);
    EXPECT_FALSE(now.complete);
    EXPECT_EQ(now.passed, 1u);
    EXPECT_EQ(notes, "<outer ");
    second.can_say = true;
    EXPECT_EQ(run(turns, found.answer_waiting(one.asked, now.passed)).body(), "a");
    EXPECT_EQ(notes, "<outer <slow <second <inner handler inner> second> slow> outer> ");
    EXPECT_EQ(slow.asked_at_once, 1);
    EXPECT_EQ(second.asked_at_once, 1);
}

TEST_F(Middleware, sees_the_answer_that_the_server_gives_itself)
{
    routes.post("/a", handler("a")).use(outer).use(inner);
    routes.freeze();
    sample one(method::post, "/a");
    const route& found = *routes.find(one.asked).found;
    response answer(status::content_too_large);
    found.finish(one.asked, answer);
    EXPECT_EQ(notes, "inner> outer> ");
    EXPECT_EQ(answer.header("X-Passed"), "inner");
}

TEST_F(Middleware, sees_failures_and_exceptions_as_answers)
{
    routes.use(outer);
    routes.get("/fails", [](request&) -> result<response> { return fail(errc::conflict, "no"); });
    routes.get("/throws", [](request&) -> response { throw std::runtime_error("x"); });
    routes.freeze();
    EXPECT_EQ(ask("/fails").header("X-Passed"), "outer");
    EXPECT_EQ(ask("/throws").header("X-Passed"), "outer");
}

TEST_F(Middleware, may_throw_without_harm)
{
    int told = 0;
    routes.on_exception([&](const request&, const std::exception_ptr&) { ++told; });
    routes.use(outer);
    routes.get("/a", handler("a")).use(inner);
    routes.freeze();
    inner.throws = true;
    EXPECT_EQ(ask("/a").status(), status::internal_server_error);
    EXPECT_EQ(notes, "<outer <inner inner> outer> ");
    inner.throws = false;
    inner.throws_after = true;
    const response answer = ask("/a");
    EXPECT_EQ(answer.status(), status::internal_server_error);
    EXPECT_EQ(answer.header("X-Passed"), "outer");
    EXPECT_EQ(told, 2);
}

TEST_F(Middleware, is_listed_outside_in)
{
    routes.use(outer);
    routes.get("/a", handler("a")).use(slow).use(inner);
    routes.freeze();
    EXPECT_EQ(routes.list().front()->middleware_names(), (std::vector<std::string_view>{"outer", "slow", "inner"}));
}

} // namespace
} // namespace sluice::test

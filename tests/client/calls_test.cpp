// Calls to Sluice's own server: what goes over, what comes back, and what goes with it.
#include "calling.hpp"
#include "running_server.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/span.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/telemetry/http_client_metrics.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <tuple>
#include <unistd.h>

namespace sluice::testing {
namespace {

using http::header;
using http::method;
using http::status;

void echo_routes(shard&, router& routes)
{
    routes.get("/hello", [](request&) { return response::text("hello"); });
    routes.post("/echo", [](request& asked) { return response::text(asked.body()); }, {.body_bytes = 8U << 20U});
    routes.put("/echo", [](request& asked) { return response::text(asked.body()); });
    routes.del("/echo", [](request&) { return response(status::no_content); });
    routes.get("/field/{name}", [](request& asked) -> result<response> {
        const auto name = asked.path<std::string>("name");
        if (!name) return fail(name.error());
        return response::text(asked.header(*name).value_or("(none)"));
    });
    routes.get("/query", [](request& asked) { return response::text(asked.query()); });
}

std::string url(const running_server& of, std::string_view target)
{
    return "http://" + of.address() + std::string(target);
}

class Calls : public Calling
{
protected:
    running_server server{&echo_routes};
};

TEST_F(Calls, bring_the_answer_with_its_fields_and_its_body)
{
    auto& http = open();
    const auto got = get(http, url(server, "/hello"));
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got->status(), status::ok);
    EXPECT_EQ(got->body(), "hello");
    EXPECT_EQ(got->header("content-type"), "text/plain");
    EXPECT_EQ(got->header("X-Request-Id")->size(), 32u);
}

TEST_F(Calls, send_a_body_of_any_size)
{
    http::client_options options = patient();
    options.limits.body_bytes = 8U << 20U;
    auto& http = open(options);
    for (const std::size_t size : {0U, 1U, 100'000U, 5'000'000U}) {
        const std::string body(size, 'x');
        const auto got = send(
            http, {.method = method::post, .url = url(server, "/echo"), .body = body, .content_type = "text/plain"});
        ASSERT_TRUE(got) << got.error().detail;
        EXPECT_EQ(got->status(), status::ok);
        EXPECT_EQ(got->body(), body);
    }
    EXPECT_EQ(counters(http).connects, 1u);
}

TEST_F(Calls, know_every_method)
{
    auto& http = open();
    const std::string echo = url(server, "/echo");
    EXPECT_EQ(shards.run([&] { return http.put(echo, "x", "text/plain"); })->body(), "x");
    EXPECT_EQ(shards.run([&] { return http.post(echo, "y", "text/plain"); })->body(), "y");
    EXPECT_EQ(shards.run([&] { return http.del(echo); })->status(), status::no_content);
    const auto head = send(http, {.method = method::head, .url = url(server, "/hello")});
    EXPECT_EQ(head->header("content-length"), "5");
    EXPECT_EQ(head->body(), "");
    EXPECT_EQ(counters(http).connects, 1u);
}

TEST_F(Calls, give_an_answer_whatever_its_status)
{
    auto& http = open();
    const auto got = get(http, url(server, "/nothing/here"));
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status(), status::not_found);
    EXPECT_FALSE(got->successful());
}

TEST_F(Calls, carry_fields_and_queries)
{
    auto& http = open();
    const std::array<header, 2> fields{{{"X-One", "1"}, {"Accept", "text/plain"}}};
    const std::string one = url(server, "/field/x-one");
    EXPECT_EQ(shards.run([&] { return http.get(one, fields); })->body(), "1");
    EXPECT_EQ(get(http, url(server, "/query?a=b%20c&d"))->body(), "a=b%20c&d");
    EXPECT_EQ(get(http, url(server, "/field/host"))->body(), server.address());
    EXPECT_EQ(get(http, url(server, "/field/user-agent"))->body(), "sluice");
    EXPECT_EQ(get(http, url(server, "/field/traceparent"))->body(), "(none)");
}

TEST_F(Calls, carry_the_trace_of_their_request_with_a_span_of_their_own)
{
    auto& http = open();
    context during{.trace = trace_context::start(), .trace_state = "vendor=1"};
    during.trace.sampled = true;
    const auto field = [&](std::string_view name) {
        auto started = shards.start(
            0, [&http, target = url(server, "/field/" + std::string(name))] { return http.get(target); }, &during);
        return std::string(started.get()->body());
    };
    const std::string first = field("traceparent");
    const auto caller = trace_context::from_traceparent(first);
    ASSERT_TRUE(caller) << first;
    EXPECT_EQ(caller->trace_id, during.trace.trace_id);
    EXPECT_NE(caller->parent_id, during.trace.span_id);
    EXPECT_TRUE(caller->sampled);
    EXPECT_NE(field("traceparent"), first) << "each call is a span";
    EXPECT_EQ(field("tracestate"), "vendor=1");
}

TEST_F(Calls, carry_no_trace_of_work_that_has_a_context_and_no_trace)
{
    auto& http = open();
    context background;
    const auto call = [&http, target = url(server, "/field/traceparent")] { return http.get(target); };
    EXPECT_EQ(shards.start(0, call, &background).get()->body(), "(none)");
}

TEST_F(Calls, without_an_answer_are_spans_that_say_why)
{
    http::client_options nowhere = patient(), no_room = patient();
    nowhere.origins_max = 0;
    no_room.waiting_max = 0;
    const std::tuple<http::client_options, time_point, std::string_view> all[] = {{patient(), never, "unreached"},
                                                                                  {nowhere, never, "refused"},
                                                                                  {no_room, never, "refused"},
                                                                                  {patient(), time_point(), "timeout"}};
    for (const auto& [options, deadline, why] : all) {
        auto& http = open(options);
        span_log spans;
        context during{.trace = trace_context::start(), .spans = &spans, .deadline = deadline};
        EXPECT_FALSE(shards.start(0, [&http] { return http.get("http://unix:/nobody/here.sock"); }, &during).get());
        ASSERT_EQ(spans.all().size(), 1u) << why;
        const span_record& call = spans.all()[0];
        EXPECT_EQ(call.name, "GET");
        EXPECT_EQ(call.kind, span_kind::client);
        EXPECT_TRUE(call.failed);
        EXPECT_NE(call.end, never);
        ASSERT_EQ(call.all().size(), 1u) << why;
        EXPECT_EQ(call.all()[0].name, "error.type");
        EXPECT_EQ(call.all()[0].text, why);
    }
}

TEST_F(Calls, go_to_a_name_and_to_a_socket)
{
    auto& http = open();
    const std::string port = server.address().substr(server.address().find(':'));
    EXPECT_EQ(get(http, "http://localhost" + port + "/hello")->body(), "hello");

    const auto folder = std::filesystem::temp_directory_path() / ("sluice-client-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    const std::string socket = (folder / "api.sock").string();
    {
        server_options options = quick_options();
        options.listen = {"unix:" + socket};
        running_server beside(&echo_routes, options);
        EXPECT_EQ(get(http, "http://unix:" + socket + ":/hello")->body(), "hello");
        EXPECT_EQ(get(http, "http://unix:" + socket + ":/field/host")->body(), "localhost");
    }
    std::filesystem::remove_all(folder);
}

TEST_F(Calls, to_what_is_not_there_fail_at_once)
{
    auto& http = open();
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); // bound and not listening: the port stays free
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    const auto got = get(http, "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
    ::close(fd);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::unavailable);
    EXPECT_EQ(got.error().dependency, "http");
    EXPECT_EQ(counters(http).failed_connects, 1u);

    const auto nowhere = get(http, "http://unix:/nowhere/at/all.sock:/");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, errc::unavailable);
    EXPECT_EQ(nowhere.error().detail.find("nowhere"), std::string::npos) << "no path goes to a client";
}

TEST_F(Calls, count_in_the_metrics_and_for_the_stage_of_their_request)
{
    metric_set shown;
    auto& http = open();
    show_metrics(shown, http, "test");
    context during;
    during.stages.begin(steady_clock::now());
    const auto call = [&](std::string target) {
        auto started = shards.start(0, [&http, target] { return http.get(target); }, &during);
        return started.get().has_value();
    };
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(call(url(server, "/hello")));
    EXPECT_FALSE(call("http://unix:/nowhere/at/all.sock:/"));
    EXPECT_GT(during.stages.spent(stage::call), duration::zero());
    EXPECT_TRUE(await(http, [](const auto& c) { return c.busy == 0; }));
    const std::string text = prometheus_text();
    for (const char* line :
         {R"(http_client_open_connections{client="test",http_connection_state="active"} 0)",
          R"(http_client_open_connections{client="test",http_connection_state="idle"} 1)",
          R"(http_client_request_duration_seconds_count{client="test"} 4)", // the failed one took its time as well
          R"(sluice_http_client_calls_total{client="test"} 4)", R"(sluice_http_client_answers_total{client="test"} 3)",
          R"(sluice_http_client_reused_total{client="test"} 2)", R"(sluice_http_client_waiting{client="test"} 0)",
          R"(sluice_http_client_failed_connects_total{client="test"} 1)",
          R"(sluice_http_client_errors_total{client="test",why="unreached"} 1)"})
        EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << " in " << text;
}

TEST_F(Calls, to_a_name_that_nobody_knows_fail)
{
    auto& http = open();
    const auto got = get(http, "http://no-such-host.invalid/");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::unavailable);
}

} // namespace
} // namespace sluice::testing

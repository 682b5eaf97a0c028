// A request whose connection ends before its answer, or whose answer breaks off, leaves what any other leaves: lines, a
// duration, a place among the slowest, a trace.
#include "kept_lines.hpp"
#include "running_server.hpp"

#include <sluice/core/span.hpp>
#include <sluice/server/live_routes.hpp>
#include <sluice/server/metrics_routes.hpp>
#include <sluice/shard/timer.hpp>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::testing {
namespace {

// A request's trace as it was handed over.
struct ended
{
    std::string route;
    std::int64_t status = 0;
    bool failed = false;
};

class kept_traces final : public span_sink
{
public:
    [[nodiscard]] bool samples(const trace_context&) const noexcept override { return false; }
    void take(const finished_trace& finished) noexcept override
    {
        ended one{.route = std::string(finished.request.name), .failed = finished.request.failed};
        for (const span_attribute& each : finished.request.all())
            if (each.name == "http.response.status_code") one.status = each.number;
        const std::scoped_lock lock(guard_);
        all_.push_back(std::move(one));
    }
    [[nodiscard]] std::vector<ended> of(std::string_view route)
    {
        const std::scoped_lock lock(guard_);
        std::vector<ended> found;
        for (const ended& one : all_)
            if (one.route == route) found.push_back(one);
        return found;
    }

private:
    std::mutex guard_;
    std::vector<ended> all_;
};

std::string get_local(std::string_view path)
{
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
}

// Slow by any count, then for ever.
task<result<response>> wait_for_ever(std::atomic<bool>& waits)
{
    (void)co_await sleep_for(std::chrono::milliseconds(5));
    waits = true;
    auto slept = co_await sleep_for(std::chrono::hours(1));
    co_return fail(slept.error());
}

task<result<void>> write_for_ever(http::body_writer& out)
{
    const std::string piece(5000, 'p');
    (void)co_await sleep_for(std::chrono::milliseconds(5));
    for (;;) {
        if (auto written = co_await out.write(piece); !written) co_return written;
    }
}

task<result<void>> break_off(http::body_writer& out)
{
    (void)co_await out.write("some");
    (void)co_await sleep_for(std::chrono::milliseconds(5));
    co_return fail(errc::unavailable, "There was no more of it");
}

task<result<void>> fall_over(http::body_writer& out)
{
    (void)co_await out.write("some");
    (void)co_await sleep_for(std::chrono::milliseconds(5));
    throw std::runtime_error("no more of it");
}

struct Gone : ::testing::Test
{
    kept_lines lines;
    kept_traces traces;
    std::atomic<bool> waits{false};
    running_server server{
        [this](shard&, router& routes) {
            span_sink::exchange_current(&traces);
            routes.get("/wait/{id}", [this](request&) { return wait_for_ever(waits); });
            routes.get("/stream", [](request&) {
                response answer;
                answer.stream([](http::body_writer& out) { return write_for_ever(out); }, http::text_plain);
                return answer;
            });
            routes.get("/breaks", [](request&) {
                response answer;
                answer.stream([](http::body_writer& out) { return break_off(out); }, http::text_plain);
                return answer;
            });
            routes.get("/throws", [](request&) {
                response answer;
                answer.stream([](http::body_writer& out) { return fall_over(out); }, http::text_plain);
                return answer;
            });
            routes.post("/echo", [](request& asked) { return response::text(asked.body()); });
            routes.get("/plain", [](request&) { return response::text("plain"); });
            live_routes(routes);
            metrics_routes(routes);
        },
        errors_and_slow_ones()};

    // No line of a good and quick answer.
    static server_options errors_and_slow_ones()
    {
        server_options options = quick_options();
        options.access_log = {.lines = true, .ratio = 0, .slow = std::chrono::milliseconds(5)};
        return options;
    }
    std::string scrape() { return client(server.address()).ask(get_local("/metrics")).body; }
    // What the live page is told first.
    std::string live()
    {
        client watching(server.address());
        watching.send(get_local("/live"));
        (void)watching.read_answer(true);
        std::string text;
        while (text.find("\"metrics\"") == std::string::npos) {
            const std::string more = watching.read_bytes(1);
            if (more.empty()) break;
            text += more;
        }
        return text;
    }
    // Of that route, since others may be slow, too.
    std::vector<values> said(const std::string& message, const std::string& route)
    {
        auto found = lines.named(message);
        std::erase_if(found, [&](const values& line) { return line.at("route") != route; });
        return found;
    }
    values expect_499(const std::string& method, const std::string& route)
    {
        return expect_recorded(499, method, route);
    }
    // The slow line is the last of all that is left of it. Gives back the access line.
    values expect_recorded(int status, const std::string& method, const std::string& route)
    {
        EXPECT_TRUE(eventually([&] { return !said("slow request", route).empty(); }));
        const auto slow = said("slow request", route);
        const auto access = said("request", route);
        if (slow.size() != 1 || access.size() != 1) {
            ADD_FAILURE() << slow.size() << " slow lines, " << access.size() << " access lines";
            return {};
        }
        EXPECT_EQ(slow[0].at("status"), std::to_string(status));
        EXPECT_EQ(access[0].at("status"), std::to_string(status));
        EXPECT_EQ(access[0].at("trace_id").size(), 32U);

        const auto traced = traces.of(route);
        EXPECT_EQ(traced.size(), 1U);
        for (const ended& one : traced) {
            EXPECT_EQ(one.status, status);
            EXPECT_TRUE(one.failed) << "or it would not be kept";
        }
        const std::string slowest = live();
        EXPECT_NE(slowest.find(R"("route":")" + route + R"(","status":)" + std::to_string(status)), std::string::npos)
            << slowest;
        const std::string numbers = scrape();
        EXPECT_NE(numbers.find(R"(_count{http_request_method=")" + method + R"(",http_route=")" + route +
                               R"(",http_response_status_code=")" + std::to_string(status) + R"("} 1)"),
                  std::string::npos)
            << numbers;
        return access[0];
    }
};

TEST_F(Gone, while_its_handler_waits_a_request_is_recorded_all_the_same)
{
    client one(server.address());
    one.send(get("/wait/7"));
    ASSERT_TRUE(eventually([&] { return waits.load(); }));
    one.reset();
    const values line = expect_499("GET", "/wait/{id}");
    EXPECT_EQ(line.at("path"), "/wait/7");
    EXPECT_EQ(line.at("bytes_out"), "0");
}

TEST_F(Gone, while_its_answer_is_streamed_a_request_is_recorded_with_what_was_written)
{
    client one(server.address(), {.receive_buffer = 4096});
    one.send(get("/stream"));
    EXPECT_EQ(one.read_answer(true).status, 200);
    EXPECT_EQ(one.read_bytes(5000).size(), 5000U);
    one.reset();
    EXPECT_GT(std::stoll(expect_499("GET", "/stream").at("bytes_out")), 5000);
    EXPECT_TRUE(lines.named("An answer broke off").empty());
}

TEST_F(Gone, when_its_answer_breaks_off_a_request_is_recorded_as_an_error_of_the_server_and_says_why)
{
    EXPECT_EQ(client(server.address()).ask(get("/breaks")).status, 200) << "that has left already";
    const values access = expect_recorded(500, "GET", "/breaks");
    EXPECT_GT(std::stoll(access.at("bytes_out")), 0);
    const auto why = lines.named("An answer broke off");
    ASSERT_EQ(why.size(), 1U);
    EXPECT_EQ(why[0].at("level"), "error");
    EXPECT_EQ(why[0].at("reason"), "There was no more of it");
    EXPECT_EQ(why[0].at("trace_id"), access.at("trace_id"));
}

TEST_F(Gone, when_what_writes_its_answer_throws_a_request_is_recorded_as_an_error_of_the_server)
{
    (void)client(server.address()).ask(get("/throws"));
    (void)expect_recorded(500, "GET", "/throws");
    EXPECT_TRUE(lines.named("An answer broke off").empty()) << "what is thrown is told by the application";
}

TEST_F(Gone, while_its_body_is_to_come_a_request_is_recorded)
{
    client one(server.address());
    one.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    ASSERT_TRUE(eventually([&] { return scrape().find("http_server_active_requests 2\n") != std::string::npos; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(10)); // it is slow by then
    one.reset();
    EXPECT_EQ(expect_499("POST", "/echo").at("bytes_out"), "0");
}

TEST_F(Gone, after_its_answer_a_request_is_not_recorded_again)
{
    client one(server.address());
    EXPECT_EQ(one.ask(get("/plain")).body, "plain");
    one.reset();
    ASSERT_TRUE(eventually([&] { return scrape().find("sluice_connections 1\n") != std::string::npos; }));
    EXPECT_EQ(traces.of("/plain").size(), 1U);
    const std::string numbers = scrape();
    EXPECT_EQ(numbers.find("\"499\""), std::string::npos) << numbers;
}

} // namespace
} // namespace sluice::testing

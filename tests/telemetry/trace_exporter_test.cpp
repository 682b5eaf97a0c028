// The exporter's bounds: what is kept, what is dropped, and that each span is counted once.
#include "kept_lines.hpp"
#include "raw_server.hpp"
#include "run.hpp"

#include <sluice/telemetry/trace_exporter.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

class TraceExporter : public ::testing::Test
{
protected:
    trace_exporter& open(trace_exporter_options options, http::client_options through = {})
    {
        if (options.url.empty()) options.url = "http://unix:/no/collector.sock";
        return *shards->run([this, options, through]() -> task<trace_exporter*> {
            shard& here = shard::current();
            co_return &here.own<trace_exporter>(here, here.own<http::client>(here, blocking, through), options);
        });
    }
    // On the shard: a request that took so long, with so many spans below it.
    static void end_request_here(bool sampled, duration took, bool failed, std::size_t spans = 0)
    {
        trace_context trace = trace_context::start();
        trace.sampled = sampled;
        span_log below;
        for (std::size_t i = 0; i < spans; ++i) (void)below.open("x", span_kind::internal);
        span_record own{.name = "/", .kind = span_kind::server, .failed = failed};
        own.attribute({.name = "http.request.method", .text = "GET"});
        own.begin = steady_clock::now();
        own.end = own.begin + took;
        span_sink::current()->take({.trace = trace, .trace_state = {}, .request = own, .spans = below});
    }
    void end_request(bool sampled, duration took, bool failed, std::size_t spans = 0)
    {
        EXPECT_TRUE(shards->run([=]() -> task<bool> {
            end_request_here(sampled, took, failed, spans);
            co_return true;
        }));
    }
    template <class F> [[nodiscard]] bool eventually(F f)
    {
        for (int i = 0; i < 12000 && !f(); ++i) std::this_thread::sleep_for(5ms);
        return f();
    }

    offload_pool blocking{{.threads = 1}};
    std::optional<test::shard_runner> shards{std::in_place};
};

TEST_F(TraceExporter, keeps_what_is_sampled_failed_or_slow)
{
    const auto& counts = open({.slow = 100ms, .interval = 1h}).counters();
    end_request(false, 99ms, false, 3);
    EXPECT_EQ(counts.kept, 0u);
    end_request(true, 1ms, false, 3);
    EXPECT_EQ(counts.kept, 4u);
    end_request(false, 100ms, false);
    EXPECT_EQ(counts.kept, 5u);
    end_request(false, 1ms, true);
    EXPECT_EQ(counts.kept, 6u);
    EXPECT_EQ(counts.batches, 0u);
}

TEST_F(TraceExporter, drops_what_finds_no_room_and_counts_it)
{
    const auto& counts = open({.interval = 1h, .batch_bytes = 1U << 30U, .pending_bytes_max = 4096}).counters();
    for (int i = 0; i < 100; ++i) end_request(true, 1ms, false);
    EXPECT_EQ(counts.kept, 100u);
    EXPECT_GT(counts.dropped, 80u);
    EXPECT_LT(counts.dropped, 100u);
    const std::uint64_t before = counts.dropped;
    end_request(true, 1ms, false, span_log::spans_max + 2);
    EXPECT_EQ(counts.dropped - before, 1 + span_log::spans_max + 2) << "those over the request's bound as well";
}

TEST_F(TraceExporter, does_not_wait_for_the_interval_when_a_batch_is_full)
{
    const auto& counts = open({.interval = 1h, .batch_bytes = 2048}).counters();
    for (int i = 0; i < 20; ++i) end_request(true, 1ms, false);
    EXPECT_TRUE(eventually([&] { return counts.failed >= 1; }));
}

TEST_F(TraceExporter, counts_what_a_collector_that_is_away_was_not_given)
{
    const auto& counts = open({.interval = 5ms}).counters();
    for (int i = 0; i < 20; ++i) end_request(true, 1ms, false, 1);
    EXPECT_TRUE(eventually([&] { return counts.dropped == 40; }));
    EXPECT_EQ(counts.exported, 0u);
    EXPECT_EQ(counts.batches, counts.failed);
}

// Where the exporter's first batch goes, given that server with something behind its URL.
class Endpoint : public TraceExporter
{
protected:
    std::string called(std::string_view behind, const std::string& socket = {})
    {
        std::promise<std::string> asked;
        testing::raw_server collector(
            [&](testing::peer& p) {
                const std::string request = p.read_request();
                asked.set_value(request.substr(0, request.find(" HTTP/1.1\r\n")));
                p.wait_for_end();
            },
            socket);
        (void)open({.url = collector.url(behind), .interval = 1ms});
        end_request(true, 1ms, false);
        std::string line = asked.get_future().get();
        shards.emplace();
        return line;
    }
};

TEST_F(Endpoint, has_the_protocol_s_path_unless_its_URL_has_one)
{
    EXPECT_EQ(called(""), "POST /v1/traces");
    EXPECT_EQ(called("/"), "POST /v1/traces");
    EXPECT_EQ(called("?x=/"), "POST /v1/traces?x=/");
    EXPECT_EQ(called("/?x"), "POST /v1/traces?x");
    EXPECT_EQ(called("/own"), "POST /own");
    EXPECT_EQ(called("/own/?x=/"), "POST /own?x=/");
}

TEST_F(Endpoint, has_that_path_over_a_unix_socket_too)
{
    const std::string socket =
        std::filesystem::temp_directory_path() / ("sluice-collector-" + std::to_string(::getpid()));
    EXPECT_EQ(called("", socket), "POST /v1/traces");
    EXPECT_EQ(called(":/", socket), "POST /v1/traces");
    EXPECT_EQ(called(":/own", socket), "POST /own");
}

TEST_F(Endpoint, is_logged_without_its_query_and_not_at_all_where_it_is_no_URL)
{
    testing::kept_lines lines;
    const auto said_of = [&](const std::string& url) {
        const std::size_t before = lines.named("Traces are not taken").size();
        (void)open({.url = url, .interval = 1ms});
        end_request(true, 1ms, false);
        EXPECT_TRUE(eventually([&] { return lines.named("Traces are not taken").size() > before; })) << url;
        shards.emplace();
        return lines.named("Traces are not taken").back();
    };
    testing::values said = said_of("http://unix:/no/collector.sock:/own?api_key=hunter3");
    EXPECT_EQ(said["collector"], "http://unix:/no/collector.sock:/own");
    for (const auto& [name, value] : said) EXPECT_EQ(value.find("hunter3"), std::string::npos) << name;
    said = said_of("http://user:hunter3@collector:4318");
    EXPECT_NE(said["reason"].find("password"), std::string::npos) << said["reason"];
    for (const auto& [name, value] : said) EXPECT_EQ(value.find("hunter3"), std::string::npos) << name;
}

// What each bad collector answers to a batch.
class WrongCollector : public TraceExporter, public ::testing::WithParamInterface<std::string>
{};

TEST_P(WrongCollector, is_counted_and_asked_again)
{
    testing::raw_server collector([](testing::peer& p) {
        while (!p.read_request().empty() && p.write(GetParam())) p.shut_writing();
    });
    const auto& counts = open({.url = collector.url(""), .interval = 1ms}).counters();
    for (std::uint64_t batch = 1; batch <= 3; ++batch) {
        end_request(true, 1ms, false, 1);
        EXPECT_TRUE(eventually([&] { return counts.failed == batch; }));
    }
    EXPECT_EQ(counts.dropped, 6u);
    EXPECT_EQ(counts.exported, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryKind, WrongCollector,
    ::testing::Values("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
                      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno",
                      "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "what?\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
                      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", std::string("\0\xff", 2), ""),
    [](const auto& of) { return std::to_string(of.index); });

TEST_F(TraceExporter, beside_a_collector_that_never_answers_keeps_no_more_than_its_bounds_and_holds_up_nobody)
{
    testing::raw_server collector([](testing::peer& p) { p.wait_for_end(); });
    constexpr std::size_t bound = 64 << 10;
    const auto& counts =
        open({.url = collector.url(""), .interval = 1ms, .timeout = 1h, .pending_bytes_max = bound}).counters();
    end_request(true, 1ms, false);
    ASSERT_TRUE(eventually([&] { return counts.batches == 1; }));
    // The batch is on its way for an hour; what comes meanwhile waits within the bound, and the rest is dropped. That
    // each is taken at once is seen by this loop's end.
    constexpr std::uint64_t many = 5000;
    for (std::uint64_t i = 0; i < many; ++i) end_request(true, 1ms, false);
    EXPECT_EQ(counts.batches, 1u);
    EXPECT_EQ(counts.kept, 1 + many);
    const std::uint64_t waiting = many - counts.dropped;
    EXPECT_GT(waiting, 0u);
    EXPECT_LT(waiting, bound / 100) << "a span takes more than a hundred bytes";
}

TEST_F(TraceExporter, counts_what_is_on_its_way_among_what_it_may_keep)
{
    testing::raw_server collector([](testing::peer& p) { p.wait_for_end(); });
    constexpr std::size_t bound = 64 << 10;
    const auto& counts = open({.url = collector.url(""),
                               .interval = 1h,
                               .timeout = 1h,
                               .batch_bytes = bound / 2,
                               .pending_bytes_max = bound})
                             .counters();
    while (counts.batches == 0) end_request(true, 1ms, false);
    const std::uint64_t half = counts.kept; // at least
    for (std::uint64_t i = 0; i < 4 * half; ++i) end_request(true, 1ms, false);
    const std::uint64_t taken = counts.kept - counts.dropped;
    EXPECT_GT(taken, half);
    EXPECT_LE(taken, 2 * half);
}

TEST_F(TraceExporter, ends_with_its_shard_beside_a_collector_that_never_answers)
{
    testing::raw_server collector([](testing::peer& p) { p.wait_for_end(); });
    const auto& counts = open({.url = collector.url(""), .interval = 1ms, .timeout = 1h}).counters();
    end_request(true, 1ms, false);
    ASSERT_TRUE(eventually([&] { return counts.batches == 1; }));
    end_request(true, 1ms, false); // waits until that one is over
    shards.reset();
}

TEST_F(TraceExporter, ends_with_its_shard_beside_a_collector_that_takes_no_connection)
{
    testing::silent_port collector;
    const trace_exporter_options options = {.url = collector.url(), .interval = 1ms, .timeout = 1h};
    const auto& counts = open(options, {.connect_timeout = 1h}).counters();
    end_request(true, 1ms, false);
    ASSERT_TRUE(eventually([&] { return counts.batches == 1; }));
    end_request(true, 1ms, false); // waits until that one is over
    shards.reset();
}

TEST_F(TraceExporter, gives_the_last_spans_to_its_collector_when_its_shard_ends)
{
    std::atomic<int> batches = 0;
    testing::raw_server collector([&](testing::peer& p) {
        while (!p.read_request().empty()) {
            ++batches;
            p.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }
    });
    open({.url = collector.url(""), .interval = 1h});
    end_request(true, 1ms, false);
    EXPECT_EQ(batches, 0);
    shards.reset();
    EXPECT_EQ(batches, 1);
}

TEST_F(TraceExporter, counts_what_ends_too_late_for_its_last_batch_as_dropped)
{
    std::counting_semaphore<> may_answer(0);
    testing::raw_server collector([&](testing::peer& p) {
        while (!p.read_request().empty()) {
            may_answer.acquire();
            p.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }
    });
    const auto& counts = open({.url = collector.url(""), .interval = 1h, .timeout = 1h}).counters();
    end_request(true, 1ms, false);
    std::optional<trace_exporter_counters> at_the_end;
    // A request that is still under way when its shard ends.
    const auto requests = [&]() -> task<bool> {
        const auto until = [&](auto condition) -> task<void> {
            while (!condition()) {
                wait turn;
                (void)co_await turn.until(shard::current().now() + 1ms);
            }
        };
        for (std::uint64_t batch = 1; batch <= 2; ++batch) { // the second has what ended beside the first
            co_await until([&] { return counts.batches == batch; });
            end_request_here(true, 1ms, false, 1);
            may_answer.release();
        }
        co_await until([&] { return counts.exported + counts.dropped >= 3; });
        wait turn;
        (void)co_await turn.until(shard::current().now() + 1ms);
        end_request_here(true, 1ms, false, 2);
        at_the_end = counts;
        co_return true;
    };
    auto ended = shards->start(0, requests);
    shards.reset();
    EXPECT_TRUE(ended.get());
    EXPECT_EQ(at_the_end->batches, 2u);
    EXPECT_EQ(at_the_end->kept, 8u);
    EXPECT_GE(at_the_end->dropped, 5u);
    EXPECT_EQ(at_the_end->exported + at_the_end->dropped, at_the_end->kept);
}

// A collector's word about a batch of two spans, and how many of them it took.
struct partial_success
{
    std::string said;
    std::uint64_t taken;
};
class PartialSuccess : public TraceExporter, public ::testing::WithParamInterface<partial_success>
{};

TEST_P(PartialSuccess, is_taken_at_its_word)
{
    testing::raw_server collector([](testing::peer& p) {
        const std::string& body = GetParam().said;
        while (!p.read_request().empty())
            p.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    });
    const auto& counts = open({.url = collector.url(""), .interval = 1ms}).counters();
    end_request(true, 1ms, false, 1);
    EXPECT_TRUE(eventually([&] { return counts.exported + counts.dropped == 2; }));
    EXPECT_EQ(counts.exported, GetParam().taken);
    EXPECT_EQ(counts.failed, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryKind, PartialSuccess,
    ::testing::Values(partial_success{"{}", 2}, partial_success{R"({"partialSuccess":{}})", 2},
                      partial_success{R"({"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}})", 1},
                      partial_success{R"({"partialSuccess":{"rejectedSpans":2}})", 0},
                      partial_success{R"({"partialSuccess":{"rejectedSpans":"99999999999999999999999"}})", 2},
                      partial_success{R"({"partialSuccess":{"rejectedSpans":"7"}})", 0},
                      partial_success{R"({"partialSuccess":{"rejectedSpans":-1,"errorMessage":7}})", 2},
                      partial_success{R"({"partialSuccess":[3]})", 2}, partial_success{"", 2}),
    [](const auto& of) { return std::to_string(of.index); });

TEST_F(TraceExporter, gives_a_collector_that_was_slow_once_what_came_meanwhile)
{
    std::binary_semaphore may_answer(0);
    testing::raw_server collector([&](testing::peer& p) {
        for (bool first = true; !p.read_request().empty(); first = false) {
            if (first) may_answer.acquire();
            p.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }
    });
    const auto& counts = open({.url = collector.url(""), .interval = 1ms}).counters();
    end_request(true, 1ms, false);
    ASSERT_TRUE(eventually([&] { return counts.batches == 1; }));
    for (int i = 0; i < 10; ++i) end_request(true, 1ms, false, 1);
    EXPECT_EQ(counts.batches, 1u);
    may_answer.release();
    EXPECT_TRUE(eventually([&] { return counts.exported == 21; }));
    EXPECT_EQ(counts.dropped, 0u);
}

} // namespace
} // namespace sluice

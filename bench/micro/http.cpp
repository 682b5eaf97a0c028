// The HTTP/1.1 machine: a request parsed, a response written, both together, and a batch of sixteen.
#include "http/connection.hpp"

#include <sluice/http/request_parts.hpp>

#include <benchmark/benchmark.h>

#include <string>

namespace {

using namespace sluice;
using namespace sluice::http;

constexpr std::string_view small_request = "GET /pipeline HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

// What a browser sends: twenty fields.
constexpr std::string_view large_request =
    "GET /catalogue/items/018f3f0e-7c2a-7b1e-9d54-0242ac120002?page=2&sort=price&filter=in-stock HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "Sec-Ch-Ua: \"Chromium\";v=\"124\", \"Google Chrome\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n"
    "Sec-Ch-Ua-Mobile: ?0\r\n"
    "Sec-Ch-Ua-Platform: \"Linux\"\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-User: ?1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Referer: https://www.example.com/catalogue?page=1\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=d1f0c2a4b6e84f7d9a3c5e7f90123456; theme=dark; consent=1; last_seen=1714550400\r\n"
    "If-None-Match: \"3f80f-1b6-5f2c8a\"\r\n"
    "X-Forwarded-For: 203.0.113.7\r\n"
    "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";

constexpr response_context answering{.date = "Sun, 06 Nov 1994 08:49:37 GMT"};

// A connection with its request's context, as a session has them.
struct fixture
{
    limits bounds;
    connection machine{bounds};
    context of{.trace = trace_context::start()};
    buffer out;
    fixture() { request::parts::context(machine.current()) = &of; }

    void answer_one()
    {
        response answer;
        answer.static_body("ok", text_plain);
        machine.respond(answer, answering, out);
    }
};

void cycle(benchmark::State& state, std::string_view request, int pipelined)
{
    fixture f;
    std::string batch;
    for (int i = 0; i < pipelined; ++i) batch += request;
    for (auto _ : state) {
        f.machine.feed(batch);
        while (f.machine.next() == event::request) f.answer_one();
        benchmark::DoNotOptimize(f.out.data());
        f.out.clear();
    }
    state.SetItemsProcessed(state.iterations() * pipelined);
}

// Parsing alone, with the shortest of answers: 204 without a date.
void parse(benchmark::State& state, std::string_view request)
{
    fixture f;
    request::parts::context(f.machine.current()) = nullptr;
    const response nothing(status::no_content);
    for (auto _ : state) {
        f.machine.feed(request);
        benchmark::DoNotOptimize(f.machine.next());
        f.machine.respond(nothing, {}, f.out);
        f.out.clear();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request.size()));
}

void BM_http_write(benchmark::State& state)
{
    context of{.trace = trace_context::start()};
    response answer;
    answer.static_body("ok", text_plain);
    buffer out;
    for (auto _ : state) {
        write_response(answer, {.date = answering.date, .trace = &of.trace}, answer.body(), out);
        benchmark::DoNotOptimize(out.data());
        out.clear();
    }
}

void BM_http_connection(benchmark::State& state)
{
    limits bounds;
    for (auto _ : state) {
        connection machine(bounds);
        benchmark::DoNotOptimize(&machine);
    }
    state.counters["bytes"] = sizeof(connection);
}

BENCHMARK_CAPTURE(parse, small, small_request)->Name("BM_http_parse/small");
BENCHMARK_CAPTURE(parse, browser, large_request)->Name("BM_http_parse/browser");
BENCHMARK(BM_http_write)->Name("BM_http_write/small");
BENCHMARK_CAPTURE(cycle, small, small_request, 1)->Name("BM_http_cycle/small");
BENCHMARK_CAPTURE(cycle, pipelined, small_request, 16)->Name("BM_http_cycle/pipelined_16");
BENCHMARK_CAPTURE(cycle, browser, large_request, 1)->Name("BM_http_cycle/browser");
BENCHMARK(BM_http_connection)->Name("BM_http_connection/make_and_drop");

} // namespace

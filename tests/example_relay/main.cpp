// A server that asks another for what it answers: relay ADDRESS LOG_FILE [--to URL] [--collector URL] [--ratio R]
// [--trust NETWORK].
//
// GET /hello is answered with the other's /hello, or, where there is none, with a greeting. GET /fail fails.
#include <sluice/client/client.hpp>
#include <sluice/core/log.hpp>
#include <sluice/server/server.hpp>
#include <sluice/telemetry/log_file.hpp>
#include <sluice/telemetry/trace_exporter.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sluice;

class hello_service
{
public:
    hello_service(http::client& http, std::string other) : http_(http), other_(std::move(other)) {}

    task<result<std::string>> greeting()
    {
        log(log_level::info, "greeting");
        if (other_.empty()) co_return std::string("hello");
        const auto answer = co_await http_.get(other_);
        if (!answer) co_return fail(answer.error());
        co_return std::string(answer->body());
    }

private:
    http::client& http_;
    std::string other_;
};

void hello_routes(router& routes, hello_service& service)
{
    routes.get("/hello", [&service](request&) -> task<result<response>> {
        const auto said = co_await service.greeting();
        if (!said) co_return fail(said.error());
        co_return response::text(*said);
    });
    routes.get("/fail", [](request&) -> result<response> { return fail(errc::internal, "It fails"); });
}

struct arguments
{
    std::string other, collector;
    double ratio = 0;
    std::vector<std::string> trusted;
};

arguments read(std::vector<std::string> given)
{
    arguments all;
    for (std::size_t i = 0; i + 1 < given.size(); i += 2) {
        if (given[i] == "--to") all.other = given[i + 1];
        if (given[i] == "--collector") all.collector = given[i + 1];
        if (given[i] == "--trust") all.trusted.push_back(given[i + 1]);
        if (given[i] == "--ratio") all.ratio = std::stod(given[i + 1]);
    }
    return all;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) return 2;
    const arguments wanted = read({argv + 3, argv + argc});
    auto log_to = log_file::open({.path = argv[2]});
    if (!log_to) return 1;
    exchange_log_sink(log_to->get());

    offload_pool blocking({.threads = 1});
    server server({.listen = {argv[1]},
                   .shards = 1,
                   .trusted_proxies = http::trusted_peers::parse(wanted.trusted).value(),
                   .access_log = {.lines = true}});
    server.on_shard([&](shard& s, router& routes) {
        auto& http = s.own<http::client>(s, blocking);
        if (!wanted.collector.empty())
            s.own<trace_exporter>(s, http,
                                  trace_exporter_options{.url = wanted.collector,
                                                         .sample_ratio = wanted.ratio,
                                                         .slow = duration::max(), // the ratio alone decides
                                                         .service = "relay",
                                                         .interval = std::chrono::milliseconds(100)});
        hello_routes(routes, s.own<hello_service>(http, wanted.other));
    });
    server.on_ready([](const std::vector<std::string>& listening) {
        std::printf("%s\n", listening.front().c_str());
        std::fflush(stdout);
    });
    const auto ended = server.run();
    exchange_log_sink(nullptr);
    if (!ended) std::fprintf(stderr, "relay: %s\n", ended.error().detail.c_str());
    return ended ? 0 : 1;
}

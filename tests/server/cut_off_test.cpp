// Ten thousand connections, cut off while they send, wait and receive: nothing of them stays.
#include "running_server.hpp"

#include <atomic>
#include <memory>
#include <random>
#include <string>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

struct slow_pieces
{
    task<result<void>> operator()(http::body_writer& out) const { return write(out); }
    static task<result<void>> write(http::body_writer& out)
    {
        const std::string piece(5000, 'p');
        for (int i = 0; i < 100; ++i) {
            if (auto done = co_await out.write(piece); !done) co_return fail(done.error());
            if (i % 10 == 0) {
                if (auto slept = co_await sleep_for(1ms); !slept) co_return fail(slept.error());
            }
        }
        co_return result<void>();
    }
};

class waiting_pass final : public waiting_middleware
{
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "pass"; }
    [[nodiscard]] task<std::optional<result<response>>> before_waiting(request&) override
    {
        auto slept = co_await sleep_for(1ms);
        (void)slept;
        co_return std::nullopt;
    }
};

const std::string large(1 << 20, 'x');

void wire(shard& here, router& routes)
{
    routes.get("/plain", [](request&) -> response { return response::text("plain"); });
    routes.post("/echo", [](request& asked) -> response { return response::text(asked.body()); });
    routes.get("/coroutine", [](request&) -> task<result<response>> { co_return response::text("coroutine"); });
    routes.get("/wait", [](request&) -> task<result<response>> {
        if (auto slept = co_await sleep_for(3ms); !slept) co_return fail(slept.error());
        co_return response::text("waited");
    });
    routes.get("/hang", [](request&) -> task<result<response>> {
        auto slept = co_await sleep_for(1h);
        co_return fail(slept.error());
    });
    routes.get("/large", [](request&) -> response {
        response answer;
        answer.static_body(large, http::text_plain);
        return answer;
    });
    routes.get("/stream", [](request&) -> response {
        response answer;
        answer.stream(slow_pieces(), http::text_plain);
        return answer;
    });
    const auto count = [](request& asked) -> task<result<response>> {
        std::size_t total = 0;
        for (;;) {
            auto piece = co_await asked.stream().read();
            if (!piece) co_return fail(piece.error());
            if (piece->empty()) co_return response::text(std::to_string(total));
            total += piece->size();
        }
    };
    routes.post("/count", count, {.stream_body = true});
    auto guarded = routes.group("/guarded");
    guarded.use(here.own<waiting_pass>());
    guarded.get("/plain", [](request&) -> response { return response::text("plain"); });
    guarded.post("/echo", [](request& asked) -> response { return response::text(asked.body()); });
    guarded.post("/count", count, {.stream_body = true});
}

std::vector<std::string> requests_of_every_kind()
{
    const std::string body(3000, 'b');
    const std::string chunked =
        " HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n";
    std::vector<std::string> all;
    for (const std::string path :
         {"/plain", "/coroutine", "/wait", "/hang", "/large", "/stream", "/guarded/plain", "/nowhere"})
        all.push_back(get(path));
    for (const std::string path : {"/echo", "/count", "/guarded/echo", "/guarded/count"}) {
        all.push_back(post(path, body));
        all.push_back("POST " + path + chunked);
        all.push_back(post(path, body, "Expect: 100-continue\r\n"));
    }
    const std::size_t single = all.size();
    for (std::size_t i = 0; i < single; ++i) all.push_back(all[i] + all[(i * 7 + 3) % single] + get("/plain"));
    all.push_back("NONSENSE\r\n\r\n" + get("/plain"));
    return all;
}

TEST(CutOff, ten_thousand_connections_at_every_stage_leave_nothing_behind)
{
    server_options options = quick_options();
    options.shards = 2;
    running_server server(&wire, options);
    const std::vector<std::string> requests = requests_of_every_kind();
    std::minstd_rand random(20260729); // a run can be repeated
    EXPECT_EQ(client(server.address()).ask(get("/plain")).body, "plain");
    EXPECT_TRUE(eventually([] { return open_descriptors() > 0; }));
    std::this_thread::sleep_for(20ms);
    const auto before = open_descriptors();

    for (int i = 0; i < 10'000; ++i) {
        const std::string& request = requests[random() % requests.size()];
        client victim(server.address(), {.receive_buffer = i % 3 == 0 ? 4096 : 0});
        ASSERT_TRUE(victim.connected());
        switch (random() % 4) {
        case 0: // while it sends
            victim.send(std::string_view(request).substr(0, random() % request.size()));
            break;
        case 1: // while it waits
            victim.send(request);
            break;
        case 2: // while it receives
            victim.send(request);
            if (request.find("/hang") == std::string::npos) (void)victim.read_bytes(1 + random() % 100);
            break;
        default: // it has said all, and reads nothing
            victim.send(request);
            victim.half_close();
            break;
        }
        if (random() % 2 == 0)
            victim.reset();
        else
            victim.close();
    }

    // Those whose handler hangs are noticed by their reset; one that closed in good order might be half-closed, and
    // keeps its handler until its deadline, so what is left is ended with the server.
    EXPECT_EQ(client(server.address()).ask(get("/plain")).body, "plain");
    server.begin_to_stop();
    server.begin_to_stop();
    EXPECT_TRUE(eventually([&] { return server.has_ended() || (server.begin_to_stop(), false); }));
    EXPECT_TRUE(server.join());
    EXPECT_LE(open_descriptors(), before);
}

TEST(CutOff, a_reset_frees_a_connection_at_once_whatever_it_is_doing)
{
    running_server server(&wire);
    const std::vector<std::string> requests = requests_of_every_kind();
    std::this_thread::sleep_for(20ms);
    const auto before = open_descriptors();
    for (int round = 0; round < 20; ++round) {
        std::vector<client> victims;
        for (const std::string& request : requests) {
            victims.emplace_back(server.address(), client_options{.receive_buffer = 4096});
            victims.back().send(std::string_view(request).substr(0, request.size() - (round % 2 == 0 ? 0 : 3)));
        }
        for (client& one : victims) one.reset();
        ASSERT_TRUE(eventually([&] { return open_descriptors() == before; })) << round;
    }
}

TEST(CutOff, a_reset_after_a_half_close_ends_what_is_computed_for_nobody)
{
    running_server server(&wire);
    std::this_thread::sleep_for(20ms);
    const auto before = open_descriptors();
    for (const std::string& requests : {get("/hang"), get("/wait") + get("/hang")}) {
        client victim(server.address());
        victim.send(requests);
        victim.half_close();
        if (requests.find("/wait") != std::string::npos) EXPECT_EQ(victim.read_answer().body, "waited");
        EXPECT_EQ(client(server.address()).ask(get("/wait")).body, "waited");
        EXPECT_TRUE(victim.silent());
        victim.reset();
        ASSERT_TRUE(eventually([&] { return open_descriptors() == before; }));
    }
}

} // namespace
} // namespace sluice::testing

// Bounds: connections, descriptors, pipelined and unsent bytes. At each there is back-pressure, and no spinning.
#include "running_server.hpp"

#include <sluice/ring/probe.hpp>

#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

void wire_texts(shard&, router& routes)
{
    routes.get("/plain", [](request&) -> response { return response::text("plain"); });
    routes.get("/number/{n}",
               [](request& asked) -> response { return response::text(asked.path<std::string>("n").value()); });
    routes.get("/kilobytes", [](request&) -> response { return response::text(std::string(8192, 'k')); });
}

std::uint64_t turns(running_server& server)
{
    return server.on(0, [](shard& here) { return here.counters().turns; });
}

TEST(ConnectionLimit, lets_the_next_ones_wait_until_there_is_room)
{
    server_options options = quick_options();
    options.connections = 3;
    running_server server(&wire_texts, options);
    std::vector<client> inside;
    for (int i = 0; i < 3; ++i) {
        inside.emplace_back(server.address());
        EXPECT_EQ(inside.back().ask(get("/plain")).status, 200);
    }
    std::vector<client> outside;
    for (int i = 0; i < 20; ++i) {
        outside.emplace_back(server.address());
        outside.back().send(get("/plain"));
    }
    for (client& waiting : outside) EXPECT_TRUE(waiting.silent(5));
    // Nobody turns round and round meanwhile.
    const auto before = turns(server);
    std::this_thread::sleep_for(300ms);
    EXPECT_LT(turns(server) - before, 30U);

    for (client& waiting : outside) {
        inside.erase(inside.begin()); // one leaves, one comes
        EXPECT_EQ(waiting.read_answer().status, 200);
        inside.push_back(std::move(waiting));
    }
}

// The kernel spreads connections over the shards as it likes: wherever they land, there is room for as many as are
// allowed.
TEST(ConnectionLimit, is_the_whole_process_s)
{
    server_options options = quick_options();
    options.shards = 2;
    options.connections = 4;
    running_server server(&wire_texts, options);
    for (int round = 0; round < 20; ++round) {
        std::vector<client> inside;
        for (int i = 0; i < 4; ++i) {
            inside.emplace_back(server.address());
            ASSERT_EQ(inside.back().ask(get("/plain")).status, 200) << round;
        }
    }
}

// Many at once must not slip through together.
TEST(ConnectionLimit, holds_for_a_burst)
{
    server_options options = quick_options();
    options.connections = 4;
    running_server server(&wire_texts, options);
    std::atomic<bool> go_on{false};
    std::atomic<bool> held{false};
    std::thread holder([&] {
        server.on(0, [&](shard&) {
            held = true;
            while (!go_on) std::this_thread::yield();
            return 0;
        });
    });
    ASSERT_TRUE(eventually([&] { return held.load(); }));
    std::vector<client> burst;
    for (int i = 0; i < 40; ++i) burst.emplace_back(server.address());
    for (client& one : burst) one.send(get("/plain"));
    go_on = true;
    holder.join();
    EXPECT_TRUE(eventually([&] {
        std::size_t answered = 0;
        for (client& one : burst) answered += one.readable() ? 1 : 0;
        return answered >= 4;
    }));
    std::this_thread::sleep_for(50ms);
    std::size_t answered = 0;
    for (client& one : burst) answered += one.readable() ? 1 : 0;
    EXPECT_EQ(answered, 4U);
    while (!burst.empty()) {
        EXPECT_EQ(burst.front().read_answer().status, 200);
        burst.erase(burst.begin());
    }
}

server_options watched_options()
{
    server_options options = quick_options();
    options.admin_listen = "127.0.0.1:0";
    options.connections = 2;
    return options;
}

TEST(ConnectionLimit, leaves_the_admin_listener_its_places)
{
    running_server server(&wire_texts, watched_options());
    std::vector<client> clients; // two that are inside, and one that waits
    for (int i = 0; i < 3; ++i) clients.emplace_back(server.address());
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(clients[i].ask(get("/plain")).status, 200);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(client(server.address(1)).ask(get("/plain")).status, 404);
    EXPECT_EQ(clients[0].ask(get("/plain")).status, 200);
}

TEST(ConnectionLimit, of_the_admin_listener_leaves_clients_theirs)
{
    running_server server(&wire_texts, watched_options());
    std::vector<client> watchers;
    for (std::size_t i = 0; i < admin_connections_max; ++i) {
        watchers.emplace_back(server.address(1));
        ASSERT_EQ(watchers.back().ask(get("/plain")).status, 404);
    }
    client outside(server.address(1));
    outside.send(get("/plain"));
    EXPECT_TRUE(outside.silent());
    client peer(server.address());
    EXPECT_EQ(peer.ask(get("/plain")).status, 200);
    watchers.pop_back();
    EXPECT_EQ(outside.read_answer().status, 404);
}

// In a process of its own, since the limit is the whole process's.
[[noreturn]] void run_out_of_descriptors()
{
    {
        // With a bound near, connections are asked for one by one: the kernel keeps the descriptor limit that was in
        // force when an accept was started, and a multishot accept would never see the new one.
        server_options options = quick_options();
        options.connections = 1000;
        running_server server(&wire_texts, options);
        client first(server.address());
        EXPECT_EQ(first.ask(get("/plain")).status, 200);

        // Sockets for the clients first, then everything is taken.
        std::vector<int> hoard;
        rlimit few{};
        getrlimit(RLIMIT_NOFILE, &few);
        few.rlim_cur = 64;
        setrlimit(RLIMIT_NOFILE, &few);
        client second(server.address()); // takes two: its own end and the server's
        EXPECT_EQ(second.ask(get("/plain")).status, 200);
        for (int fd = 0; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) hoard.push_back(fd);
        ::close(hoard.back());
        hoard.pop_back();
        client third(server.address()); // took the last one: there is none for the server's end
        third.send(get("/plain"));
        EXPECT_TRUE(third.silent(300));

        rusage before{};
        getrusage(RUSAGE_SELF, &before);
        const auto turns_before = turns(server);
        std::this_thread::sleep_for(500ms);
        rusage after{};
        getrusage(RUSAGE_SELF, &after);
        const auto cpu = [](const rusage& used) {
            return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1'000'000 + used.ru_utime.tv_usec +
                   used.ru_stime.tv_usec;
        };
        EXPECT_LT(turns(server) - turns_before, 60U);
        EXPECT_LT(cpu(after) - cpu(before), 250'000);
        EXPECT_EQ(first.ask(get("/plain")).status, 200); // those inside notice nothing

        ::close(hoard.back());
        hoard.pop_back();
        EXPECT_EQ(third.read_answer().status, 200);
        for (int fd : hoard) ::close(fd);
    }
    std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
}

TEST(Descriptors, that_run_out_pause_accepting_and_nothing_else)
{
    const pid_t child = fork();
    if (child == 0) run_out_of_descriptors();
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(PipelinedBytes, above_their_bound_wait_with_the_client_and_none_is_lost)
{
    server_options options = quick_options();
    options.limits.pipelined_bytes = 4096;
    std::atomic<bool> go_on{false};
    running_server server(
        [&](shard& here, router& routes) {
            wire_texts(here, routes);
            routes.get("/gate", [&](request&) -> task<result<response>> {
                while (!go_on) {
                    if (auto slept = co_await sleep_for(1ms); !slept) co_return fail(slept.error());
                }
                co_return response::text("open");
            });
        },
        options);
    client peer(server.address(), {.send_buffer = 64 * 1024});
    ASSERT_TRUE(peer.send(get("/gate")));
    // Requests until the client cannot get rid of any more.
    std::string all;
    for (int i = 0; i < 100'000; ++i) all += get("/number/" + std::to_string(i));
    std::size_t sent = 0;
    for (int quiet = 0; quiet < 20;) {
        const std::size_t now = peer.send_some(std::string_view(all).substr(sent));
        sent += now;
        quiet = now == 0 ? quiet + 1 : 0;
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_LT(sent, all.size());
    go_on = true;
    std::thread sender([&] { EXPECT_TRUE(peer.send(std::string_view(all).substr(sent))); });
    EXPECT_EQ(peer.read_answer().body, "open");
    bool in_order = true;
    for (int i = 0; i < 100'000 && in_order; ++i) in_order = peer.read_answer().body == std::to_string(i);
    EXPECT_TRUE(in_order);
    sender.join();
}

TEST(UnsentBytes, above_their_bound_stop_the_answering_until_the_client_reads)
{
    running_server server(&wire_texts);
    client peer(server.address(), {.receive_buffer = 16 * 1024, .send_buffer = 64 * 1024});
    const std::string one = get("/kilobytes");
    std::string all;
    for (int i = 0; i < 20'000; ++i) all += one;
    std::size_t sent = 0;
    for (int quiet = 0; quiet < 20;) {
        const std::size_t now = peer.send_some(std::string_view(all).substr(sent));
        sent += now;
        quiet = now == 0 ? quiet + 1 : 0;
        std::this_thread::sleep_for(5ms);
    }
    EXPECT_LT(sent, all.size());
    // The others are served meanwhile.
    EXPECT_EQ(client(server.address()).ask(get("/plain")).body, "plain");
    std::thread sender([&] { EXPECT_TRUE(peer.send(std::string_view(all).substr(sent))); });
    bool right = true;
    for (int i = 0; i < 20'000 && right; ++i) right = peer.read_answer().body.size() == 8192;
    EXPECT_TRUE(right);
    sender.join();
}

} // namespace
} // namespace sluice::testing

// Where a server listens: addresses of each kind, and those that it cannot have.
#include "running_server.hpp"

#include <netinet/in.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace sluice::testing {
namespace {

void wire_hello(shard&, router& routes)
{
    routes.get("/client", [](request& asked) -> response { return response::text(asked.client()); });
}

server_options listening_on(std::vector<std::string> addresses, unsigned shards = 1)
{
    server_options options = quick_options();
    options.listen = std::move(addresses);
    options.shards = shards;
    return options;
}

// What run() says where it cannot listen.
std::string failure_of(server_options options)
{
    server failing(std::move(options));
    failing.on_shard(&wire_hello);
    const auto ended = failing.run();
    return ended ? "" : ended.error().detail;
}

struct folder
{
    folder()
    {
        char name[] = "/tmp/sluice-listen-XXXXXX";
        path = mkdtemp(name);
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() { std::filesystem::remove_all(path); }
    std::string path;
};

bool has_ipv6()
{
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 loopback{};
    loopback.sin6_family = AF_INET6;
    loopback.sin6_addr = in6addr_loopback;
    const bool bound = fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback) == 0;
    if (fd >= 0) ::close(fd);
    return bound;
}

TEST(Listen, on_a_free_port_says_which)
{
    running_server server(&wire_hello);
    EXPECT_FALSE(server.address().ends_with(":0"));
    EXPECT_EQ(client(server.address()).ask(get("/client")).body, "127.0.0.1");
}

TEST(Listen, on_several_addresses_serves_all)
{
    folder temporary;
    const std::string path = "unix:" + temporary.path + "/socket";
    running_server server(&wire_hello, listening_on({"127.0.0.1:0", path, "127.0.0.1:0"}, 2));
    EXPECT_EQ(client(server.address(0)).ask(get("/client")).body, "127.0.0.1");
    EXPECT_EQ(server.address(1), path);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(client(path).ask(get("/client")).body, "unix");
    EXPECT_EQ(client(server.address(2)).ask(get("/client")).body, "127.0.0.1");
}

TEST(Listen, on_ipv6_knows_its_client)
{
    if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
    running_server server(&wire_hello, listening_on({"[::1]:0"}));
    EXPECT_EQ(client(server.address()).ask(get("/client")).body, "::1");
}

TEST(Listen, fails_at_once_where_the_port_is_in_use)
{
    for (const unsigned shards : {1U, 2U}) {
        running_server server(&wire_hello, listening_on({"127.0.0.1:0"}, shards));
        const std::string why = failure_of(listening_on({server.address()}, shards));
        EXPECT_NE(why.find(server.address()), std::string::npos) << why;
        EXPECT_NE(why.find("in use"), std::string::npos) << why;
        EXPECT_EQ(client(server.address()).ask(get("/client")).status, 200);
    }
}

TEST(Listen, fails_at_once_where_the_socket_is_in_use_and_takes_one_that_was_left_behind)
{
    folder temporary;
    const std::string address = "unix:" + temporary.path + "/socket";
    {
        running_server server(&wire_hello, listening_on({address}));
        EXPECT_NE(failure_of(listening_on({address})).find("in use"), std::string::npos);
        EXPECT_EQ(client(address).ask(get("/client")).body, "unix");
    }
    // As after a kill: the file is there, and nobody listens.
    const int left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::close(left);
    running_server server(&wire_hello, listening_on({address}));
    EXPECT_EQ(client(address).ask(get("/client")).body, "unix");
}

TEST(Listen, can_have_the_same_port_again_at_once)
{
    std::string address;
    {
        running_server server(&wire_hello);
        address = server.address();
        client peer(address);
        EXPECT_EQ(peer.ask(get("/client", "Connection: close\r\n")).status, 200); // leaves TIME_WAIT behind
        EXPECT_TRUE(peer.closed_by_server());
    }
    running_server server(&wire_hello, listening_on({address}));
    EXPECT_EQ(client(address).ask(get("/client")).status, 200);
}

TEST(Listen, says_what_is_wrong_with_an_address)
{
    for (const std::string bad :
         {"nonsense", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:x", "[::1:80", "unix:", "localhost:80"}) {
        const std::string why = failure_of(listening_on({bad}));
        EXPECT_NE(why.find(bad), std::string::npos) << why;
    }
    EXPECT_NE(failure_of(listening_on({"192.0.2.1:8080"})).find("no such address"), std::string::npos);
}

TEST(Listen, on_the_admin_address_serves_its_own_routes)
{
    server_options options = quick_options();
    options.admin_listen = "127.0.0.1:0";
    options.shards = 2;
    server running(options);
    std::promise<std::vector<std::string>> ready;
    running.on_shard(&wire_hello);
    running.on_admin([](shard&, router& routes) {
        routes.get("/admin", [](request&) -> response { return response::text("admin"); });
    });
    running.on_ready([&](const std::vector<std::string>& addresses) { ready.set_value(addresses); });
    std::thread thread([&] { EXPECT_TRUE(running.run()); });
    const auto addresses = ready.get_future().get();
    ASSERT_EQ(addresses.size(), 2U);
    EXPECT_EQ(client(addresses[1]).ask(get("/admin")).body, "admin");
    EXPECT_EQ(client(addresses[0]).ask(get("/admin")).status, 404);
    EXPECT_EQ(client(addresses[1]).ask(get("/client")).status, 404);
    running.stop();
    thread.join();
}

} // namespace
} // namespace sluice::testing

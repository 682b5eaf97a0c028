// Calls that find the only connection busy, and then no other to be had.
#include "calling.hpp"
#include "raw_server.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <future>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace sluice::testing {
namespace {

constexpr std::string_view answer_hi = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

class BusyConnection : public Calling
{
protected:
    using call = std::future<result<http::answer>>;

    call start(http::client& with, const std::string& url)
    {
        return shards.start(0, [&with, url] { return with.get(url); });
    }
    // One that its server holds until it may go on.
    call start_first(http::client& with, const raw_server& server, const char* name = "/")
    {
        call first = start(with, server.url(name));
        EXPECT_TRUE(await(with, [](const auto& c) { return c.connects == 1 && c.waiting == 0; }));
        while (server.connections() == 0) std::this_thread::yield(); // or refuse_others() would refuse it
        return first;
    }
    void answer_when_it_may_go_on(peer& p)
    {
        while (!p.read_request().empty()) {
            go.acquire();
            p.write(answer_hi);
        }
    }
    // More than once, since it is tried again.
    [[nodiscard]] bool fails_to_connect(http::client& with)
    {
        return await(with, [](const auto& c) { return c.failed_connects >= 2; });
    }

    std::counting_semaphore<> go{0};
};

TEST_F(BusyConnection, is_waited_for_where_no_other_can_be_made)
{
    raw_server server([this](peer& p) { answer_when_it_may_go_on(p); });
    auto& http = open();
    auto first = start_first(http, server);
    server.refuse_others();
    auto second = start(http, server.url());
    auto third = start(http, server.url());
    EXPECT_TRUE(fails_to_connect(http));
    go.release(3);
    for (call* one : {&first, &second, &third}) {
        const auto got = one->get();
        ASSERT_TRUE(got) << got.error().detail;
        EXPECT_EQ(got->body(), "hi");
    }
    EXPECT_EQ(counters(http).connects, 1u);
    EXPECT_EQ(counters(http).unreached, 0u);
}

// An attempt that fails at once is no reason to make another at once, for ever.
TEST_F(BusyConnection, is_waited_for_where_no_socket_is_left)
{
    raw_server server([this](peer& p) { answer_when_it_may_go_on(p); });
    auto& http = open();
    auto first = start_first(http, server);
    rlimit files{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = files.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    auto second = start(http, server.url());
    EXPECT_TRUE(fails_to_connect(http));
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
    go.release(2);
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
}

TEST_F(BusyConnection, that_ends_leaves_those_that_wait_for_it_to_be_told)
{
    raw_server server([this](peer& p) {
        p.read_request();
        go.acquire();
        p.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
    });
    auto& http = open();
    auto first = start_first(http, server);
    server.refuse_others();
    auto second = start(http, server.url());
    EXPECT_TRUE(await(http, [](const auto& c) { return c.failed_connects >= 1 && c.waiting == 1; }));
    auto third = start(http, server.url());
    EXPECT_TRUE(await(http, [](const auto& c) { return c.waiting == 2; }));
    go.release();
    EXPECT_TRUE(first.get());
    for (call* one : {&second, &third}) {
        const auto got = one->get();
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, errc::unavailable);
    }
    EXPECT_EQ(counters(http).unreached, 2u);
}

TEST_F(BusyConnection, is_not_waited_for_once_another_can_be_made)
{
    const std::string socket = std::filesystem::temp_directory_path() / ("sluice-busy-" + std::to_string(::getpid()));
    raw_server busy(
        [this](peer& p) {
            p.read_request();
            go.acquire();
            p.write(answer_hi);
        },
        socket);
    auto& http = open();
    auto first = start_first(http, busy, ":/");
    std::filesystem::remove(socket);
    auto second = start(http, busy.url(":/"));
    EXPECT_TRUE(fails_to_connect(http));
    {
        raw_server beside(
            [](peer& p) {
                while (!p.read_request().empty()) p.write(answer_hi);
            },
            socket);
        EXPECT_TRUE(second.get());
        EXPECT_EQ(beside.connections(), 1u);
    }
    go.release();
    EXPECT_TRUE(first.get());
}

} // namespace
} // namespace sluice::testing

// A connection that nobody waits for any more, and the end of the process that it is left to.
#include "listening_socket.hpp"
#include "postgres/connect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluice::postgres {
namespace {

using namespace std::chrono_literals;
using ::testing::ExitedWithCode;
using ::testing::HasSubstr;
using ::testing::Not;

// Takes one connection and agrees to TLS: whoever connected says hello, and then waits within OpenSSL.
class agreeing_server
{
public:
    std::string url() const
    {
        return "postgresql://u@127.0.0.1:" + std::to_string(listening_.port()) + "/d?sslmode=require";
    }
    void agree()
    {
        taken_ = listening_.accept();
        char bytes[4096];
        if (::recv(taken_, bytes, sizeof bytes, 0) != 8 || ::send(taken_, "S", 1, 0) != 1 ||
            ::recv(taken_, bytes, sizeof bytes, 0) <= 0)
            std::abort();
    }
    void hang_up()
    {
        if (taken_ >= 0) ::close(std::exchange(taken_, -1));
    }

private:
    test::listening_socket listening_;
    int taken_ = -1;
};

int threads()
{
    int count = 0;
    DIR* all = ::opendir("/proc/self/task");
    while (::readdir(all) != nullptr) ++count;
    ::closedir(all);
    return count - 2; // . and ..
}

agreeing_server* talking = nullptr;

// What runs when exit() has already taken OpenSSL apart, since that registers itself later: the thread goes on then.
void hang_up_late()
{
    std::fputs("taken apart\n", stderr);
    talking->hang_up();
    std::this_thread::sleep_for(200ms);
}

[[noreturn]] void leave_and_exit(bool once_it_ended)
{
    std::atexit(&hang_up_late);
    agreeing_server server;
    talking = &server;
    std::stop_source leaving;
    std::jthread wanting([&] {
        const auto made = connect({.url = server.url(), .timeout = 60s, .stop = leaving.get_token()});
        if (made) std::abort();
        std::fprintf(stderr, "%s\n", made.error().detail.c_str());
    });
    server.agree();
    leaving.request_stop();
    wanting.join();
    if (once_it_ended) {
        server.hang_up();
        while (threads() > 1) std::this_thread::sleep_for(1ms);
    }
    std::exit(7);
}

TEST(ConnectDeathTest, what_is_left_behind_does_not_run_through_what_the_end_took_apart)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(leave_and_exit(false), ExitedWithCode(7),
                AllOf(HasSubstr("nobody waits for the connection any more"), Not(HasSubstr("taken apart"))));
}

TEST(ConnectDeathTest, once_it_ended_so_does_the_process_as_ever)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(leave_and_exit(true), ExitedWithCode(7), HasSubstr("taken apart"));
}

} // namespace
} // namespace sluice::postgres

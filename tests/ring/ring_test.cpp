// The ring against the kernel: operations, their ends, late completions, messages.
#include "ring_support.hpp"

#include <netinet/in.h>

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <thread>

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;

struct Ring : ::testing::Test
{
    std::unique_ptr<ring> r = make_ring();
    socket_pair pair;
};

// A listener on a free port of the loopback.
int listener(sockaddr_in& address)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd, 16), 0);
    EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    return fd;
}

TEST_F(Ring, receives_again_and_again_until_the_end_of_file)
{
    recorder<> received(r.get());
    r->receive_multishot(pair.ends[0], received);
    for (int i = 1; i <= 1000; ++i) {
        pair.say("0123456789");
        ASSERT_TRUE(turn_until(*r, [&] { return received.bytes.size() == std::size_t(i) * 10; }));
    }
    EXPECT_TRUE(received.in_flight());
    ::close(std::exchange(pair.ends[1], -1));
    ASSERT_TRUE(turn_until(*r, [&] { return !received.in_flight(); }));
    EXPECT_EQ(received.results.back(), 0);
}

TEST_F(Ring, sends_all_or_fails)
{
    const std::string much(1 << 20, 'x');
    recorder<> sent;
    r->send(pair.ends[0], much, sent);
    std::string got;
    std::thread reader([&] {
        std::array<char, 4096> bytes;
        while (got.size() < much.size()) {
            const ssize_t count = read(pair.ends[1], bytes.data(), bytes.size());
            if (count <= 0) break;
            got.append(bytes.data(), static_cast<std::size_t>(count));
        }
    });
    EXPECT_TRUE(turn_until(*r, [&] { return !sent.in_flight(); }));
    reader.join();
    EXPECT_EQ(sent.results, std::vector<std::int32_t>{1 << 20});
    EXPECT_TRUE(got == much);

    ::close(std::exchange(pair.ends[1], -1));
    r->send(pair.ends[0], much, sent);
    ASSERT_TRUE(turn_until(*r, [&] { return !sent.in_flight(); }));
    EXPECT_EQ(sent.results.back(), -EPIPE);
}

TEST_F(Ring, sends_what_a_message_header_gathers)
{
    std::string head = "head ";
    std::string body = "body";
    std::array<iovec, 2> pieces{iovec{head.data(), head.size()}, iovec{body.data(), body.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    recorder<> sent;
    r->send_message(pair.ends[0], message, sent);
    ASSERT_TRUE(turn_until(*r, [&] { return !sent.in_flight(); }));
    std::array<char, 32> bytes;
    EXPECT_EQ(read(pair.ends[1], bytes.data(), bytes.size()), 9);
}

TEST_F(Ring, reads_writes_and_polls)
{
    recorder<> wrote;
    recorder<> polled;
    recorder<> got;
    std::array<char, 16> into{};
    r->poll(pair.ends[1], POLLIN, polled);
    r->write(pair.ends[0], "text", wrote);
    ASSERT_TRUE(turn_until(*r, [&] { return !wrote.in_flight() && !polled.in_flight(); }));
    EXPECT_EQ(polled.results, std::vector<std::int32_t>{POLLIN});
    r->read(pair.ends[1], into, got);
    ASSERT_TRUE(turn_until(*r, [&] { return !got.in_flight(); }));
    EXPECT_EQ(std::string_view(into.data(), 4), "text");
}

TEST_F(Ring, begins_what_is_chained_in_order_and_nothing_behind_a_failure)
{
    recorder<> first;
    recorder<> second;
    recorder<> refused;
    recorder<> behind;
    r->write(pair.ends[0], "1", first);
    r->chain();
    r->write(pair.ends[0], "2", second);
    r->chain();
    r->write(-1, "3", refused);
    r->chain();
    r->write(pair.ends[0], "4", behind);
    ASSERT_TRUE(turn_until(*r, [&] { return !behind.in_flight() && !refused.in_flight(); }));
    EXPECT_EQ(first.results, std::vector<std::int32_t>{1});
    EXPECT_EQ(second.results, std::vector<std::int32_t>{1});
    EXPECT_EQ(refused.results, std::vector<std::int32_t>{-EBADF});
    EXPECT_EQ(behind.results, std::vector<std::int32_t>{-ECANCELED});
    std::array<char, 8> bytes;
    EXPECT_EQ(read(pair.ends[1], bytes.data(), bytes.size()), 2);
    EXPECT_EQ(std::string_view(bytes.data(), 2), "12");
}

TEST_F(Ring, sleeps_until_there_are_so_many_completions_or_the_time_is_over)
{
    recorder<> first;
    recorder<> second;
    r->write(pair.ends[0], "1", first);
    r->chain();
    r->write(pair.ends[0], "2", second);
    r->enter(2, 20s);
    EXPECT_EQ(r->dispatch(), 2U);
    recorder<> nothing;
    r->poll(pair.ends[0], POLLIN, nothing);
    r->enter(1, 1ms);
    EXPECT_EQ(r->dispatch(), 0U);
    r->abandon(nothing);
}

TEST_F(Ring, sends_no_datagram_later_that_has_no_room_now)
{
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    std::string text = "text";
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    recorder<> sent;
    do {
        r->try_send_message(ends[0], message, sent);
        ASSERT_TRUE(turn_until(*r, [&] { return !sent.in_flight(); }));
    } while (sent.results.back() == 4);
    EXPECT_EQ(sent.results.back(), -EAGAIN);
    std::array<char, 8> bytes;
    for (std::size_t i = 1; i < sent.results.size(); ++i) EXPECT_EQ(read(ends[1], bytes.data(), bytes.size()), 4);
    settle(*r);
    EXPECT_EQ(recv(ends[1], bytes.data(), bytes.size(), MSG_DONTWAIT), -1);
    for (const int fd : ends) close(fd);
}

TEST_F(Ring, accepts_and_connects)
{
    sockaddr_in address{};
    const int listening = listener(address);
    recorder<> one;
    recorder<> many;
    r->accept(listening, one);
    std::vector<int> fds;
    const auto connect_one = [&] {
        recorder<> connected;
        fds.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        r->connect(fds.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address, connected);
        EXPECT_TRUE(turn_until(*r, [&] { return !connected.in_flight(); }));
        EXPECT_EQ(connected.results, std::vector<std::int32_t>{0});
    };
    connect_one();
    ASSERT_TRUE(turn_until(*r, [&] { return !one.in_flight(); }));
    r->accept_multishot(listening, many);
    for (int i = 0; i < 5; ++i) connect_one();
    ASSERT_TRUE(turn_until(*r, [&] { return many.results.size() == 5; }));
    EXPECT_TRUE(many.in_flight());
    r->cancel(many);
    ASSERT_TRUE(turn_until(*r, [&] { return !many.in_flight(); }));
    EXPECT_EQ(many.results.back(), -ECANCELED);
    many.results.pop_back();
    fds.insert(fds.end(), many.results.begin(), many.results.end());
    fds.push_back(one.results.at(0));
    for (int fd : fds) {
        EXPECT_GE(fd, 0);
        EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
        ::close(fd);
    }
    ::close(listening);
}

TEST_F(Ring, closes_and_shuts_down_without_a_completion)
{
    const auto before = r->counters().completions;
    const int fd = std::exchange(pair.ends[0], -1);
    r->shutdown(fd, SHUT_WR);
    r->close(fd);
    settle(*r);
    EXPECT_EQ(fcntl(fd, F_GETFD), -1);
    char byte = 0;
    EXPECT_EQ(read(pair.ends[1], &byte, 1), 0);
    EXPECT_EQ(r->counters().completions, before);
}

TEST_F(Ring, shuts_down_no_socket_that_has_the_number_of_one_just_closed)
{
    std::vector<std::unique_ptr<socket_pair>> later;
    for (int i = 0; i < 200; ++i) {
        socket_pair ended;
        const int fd = std::exchange(ended.ends[0], -1);
        r->shutdown(fd, SHUT_RDWR);
        r->close(fd);
        r->enter(ring::wait::no);
        later.push_back(std::make_unique<socket_pair>());
    }
    settle(*r);
    char byte = 0;
    for (const auto& one : later)
        EXPECT_EQ(recv(one->ends[0], &byte, 1, MSG_DONTWAIT), -1) << "open, and nothing there";
}

TEST_F(Ring, tells_of_a_timeout_once_its_time_has_passed)
{
    recorder<timeout_operation> timer;
    const time_point when = steady_clock::now() + 5ms;
    r->timeout(when, timer);
    while (timer.in_flight()) {
        r->enter(ring::wait::yes);
        r->dispatch();
    }
    EXPECT_GE(steady_clock::now(), when);
    EXPECT_EQ(timer.results, std::vector<std::int32_t>{-ETIME});
}

TEST_F(Ring, completes_what_is_cancelled_exactly_once)
{
    recorder<timeout_operation> timer;
    recorder<> received(r.get());
    recorder<> polled;
    recorder<> accepted;
    sockaddr_in address{};
    const int listening = listener(address);
    r->timeout(steady_clock::now() + 1h, timer);
    r->receive_multishot(pair.ends[0], received);
    r->poll_multishot(pair.ends[0], POLLIN, polled);
    r->accept(listening, accepted);
    r->cancel(timer); // before the kernel has even seen it
    settle(*r);
    r->cancel(received);
    r->cancel(polled);
    r->cancel(accepted);
    r->cancel(accepted);
    settle(*r);
    for (const auto* results : {&timer.results, &received.results, &polled.results, &accepted.results})
        EXPECT_EQ(*results, std::vector<std::int32_t>{-ECANCELED});
    r->cancel(timer); // not in flight: nothing happens
    settle(*r);
    EXPECT_EQ(timer.results.size(), 1U);
    ::close(listening);
}

TEST_F(Ring, drops_a_late_completion_of_what_was_abandoned_and_takes_its_buffer_back)
{
    r = make_ring({.submissions = 64, .completions = 128, .buffers = 2, .buffer_bytes = 64});
    for (int i = 0; i < 20; ++i) { // ten times as often as there are buffers
        socket_pair sockets;
        recorder<> received(r.get());
        r->receive_multishot(sockets.ends[0], received);
        sockets.say("late");
        ASSERT_TRUE([&] {
            while (r->completions_ready() == 0) r->enter(ring::wait::no);
            return true;
        }());
        r->abandon(received); // its completion stands in the queue
        EXPECT_FALSE(received.in_flight());
        settle(*r);
        EXPECT_TRUE(received.results.empty());
    }
    EXPECT_GE(r->counters().stale, 20U);
    recorder<> received(r.get());
    r->receive_multishot(pair.ends[0], received);
    pair.say("in time");
    ASSERT_TRUE(turn_until(*r, [&] { return received.bytes == "in time"; }));
    r->abandon(received);
    settle(*r);
}

TEST_F(Ring, never_gives_a_late_completion_to_the_next_operation_of_that_slot)
{
    for (int i = 0; i < 100; ++i) {
        socket_pair first;
        recorder<> abandoned(r.get());
        r->receive_multishot(first.ends[0], abandoned);
        first.say("for the first");
        while (r->completions_ready() == 0) r->enter(ring::wait::no);
        r->abandon(abandoned);
        recorder<> next(r.get());
        r->receive_multishot(pair.ends[0], next); // takes the slot that has just become free
        settle(*r);
        ASSERT_TRUE(next.results.empty());
        ASSERT_TRUE(next.in_flight());
        r->abandon(next);
        settle(*r);
    }
}

TEST_F(Ring, takes_more_operations_in_a_turn_than_its_queue_holds)
{
    r = make_ring({.submissions = 4, .completions = 8, .buffers = 2, .buffer_bytes = 64});
    std::vector<std::unique_ptr<recorder<timeout_operation>>> timers;
    for (int i = 0; i < 1000; ++i) {
        timers.push_back(std::make_unique<recorder<timeout_operation>>());
        r->timeout(steady_clock::now(), *timers.back());
    }
    ASSERT_TRUE(turn_until(
        *r, [&] { return std::ranges::none_of(timers, [](const auto& timer) { return timer->in_flight(); }); }));
    for (const auto& timer : timers) EXPECT_EQ(timer->results, std::vector<std::int32_t>{-ETIME});
}

TEST_F(Ring, wakes_another_ring_with_a_message)
{
    std::atomic<int> heard{0};
    std::atomic<int> fd{-1};
    std::thread other([&] {
        auto theirs = make_ring();
        theirs->on_message([](void* count) { ++*static_cast<std::atomic<int>*>(count); }, &heard);
        fd = theirs->fd();
        fd.notify_all();
        while (heard < 100) {
            theirs->enter(ring::wait::yes);
            theirs->dispatch();
        }
    });
    fd.wait(-1);
    for (int i = 0; i < 100; ++i) {
        r->message(fd);
        r->enter(ring::wait::no);
        r->dispatch();
    }
    other.join();
    EXPECT_EQ(heard, 100);
}

TEST_F(Ring, says_with_a_completion_what_the_kernel_refuses)
{
    recorder<> received(r.get());
    r->receive_multishot(-1, received);
    ASSERT_TRUE(turn_until(*r, [&] { return !received.in_flight(); }));
    EXPECT_EQ(received.results, std::vector<std::int32_t>{-EBADF});
}

TEST_F(Ring, keeps_completions_that_are_more_than_its_queue_holds)
{
    r = make_ring({.submissions = 8, .completions = 16, .buffers = 2, .buffer_bytes = 64});
    std::vector<std::unique_ptr<recorder<>>> polls;
    for (int i = 0; i < 500; ++i) {
        polls.push_back(std::make_unique<recorder<>>());
        r->poll(pair.ends[0], POLLIN, *polls.back());
    }
    pair.say("to all of them");
    ASSERT_TRUE(turn_until(
        *r, [&] { return std::ranges::none_of(polls, [](const auto& poll) { return poll->in_flight(); }); }));
}

} // namespace
} // namespace sluice::testing

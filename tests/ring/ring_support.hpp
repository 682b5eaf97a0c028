// What tests of the ring share: operations that remember what came, sockets in pairs, and turns.
#pragma once

#include <sluice/ring/ring.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace sluice::testing {

// Remembers its completions; bytes that came in a provided buffer are copied and the buffer is given back.
template <class Operation = operation> struct recorder final : Operation
{
    explicit recorder(ring* r = nullptr) : Operation(&record), of(r) {}
    static void record(operation& op, completion c)
    {
        auto& self = static_cast<recorder&>(op);
        self.results.push_back(c.result);
        if (self.of == nullptr) return;
        if (c.result > 0 && c.has_buffer()) self.bytes += self.of->received(c);
        self.of->recycle(c);
    }
    ring* of;
    std::vector<std::int32_t> results;
    std::string bytes;
};

struct socket_pair
{
    socket_pair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0); }
    socket_pair(const socket_pair&) = delete;
    socket_pair& operator=(const socket_pair&) = delete;
    ~socket_pair()
    {
        for (int fd : ends)
            if (fd >= 0) close(fd);
    }
    void say(std::string_view text) const
    {
        EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    std::array<int, 2> ends{-1, -1}; // the ring's, the test's
};

[[nodiscard]] inline std::unique_ptr<ring> make_ring(const ring_options& options = {})
{
    auto made = ring::create(options);
    EXPECT_TRUE(made) << (made ? "" : made.error().detail);
    return *std::move(made);
}

// Turns until something is so; gives up where a test would hang.
template <class Condition> [[nodiscard]] bool turn_until(ring& r, Condition condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        r.enter(ring::wait::no);
        r.dispatch();
    }
    return true;
}

// Turns until nothing more can come of what has happened.
inline void settle(ring& r)
{
    for (int i = 0; i < 10; ++i) {
        r.enter(ring::wait::no);
        r.dispatch();
    }
}

} // namespace sluice::testing

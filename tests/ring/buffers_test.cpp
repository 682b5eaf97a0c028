// Provided buffers: few of them and many senders.
#include "ring_support.hpp"

#include <cerrno>

namespace sluice::testing {
namespace {

// Starts again in the next turn when buffers have run out, as every owner of a receive does.
struct stubborn_receiver final : operation
{
    stubborn_receiver(ring& r, int from) : operation(&received), of(r), fd(from) { r.receive_multishot(fd, *this); }
    static void received(operation& op, completion c)
    {
        auto& self = static_cast<stubborn_receiver&>(op);
        if (c.result > 0) {
            self.bytes += self.of.received(c);
            self.of.recycle(c);
        } else {
            self.refused += c.result == -ENOBUFS ? 1 : 0;
            EXPECT_EQ(c.result, -ENOBUFS);
        }
        if (!c.more()) self.of.receive_multishot(self.fd, self);
    }
    ring& of;
    int fd;
    std::string bytes;
    int refused = 0;
};

TEST(Buffers, that_run_out_lose_nothing_and_do_not_make_the_ring_spin)
{
    auto r = make_ring({.submissions = 256, .completions = 1024, .buffers = 4, .buffer_bytes = 512});
    constexpr std::size_t senders = 50;
    const std::string text(20'000, 'x');
    std::vector<std::unique_ptr<socket_pair>> sockets;
    std::vector<std::unique_ptr<stubborn_receiver>> receivers;
    for (std::size_t i = 0; i < senders; ++i) {
        sockets.push_back(std::make_unique<socket_pair>());
        receivers.push_back(std::make_unique<stubborn_receiver>(*r, sockets.back()->ends[0]));
    }
    settle(*r);
    for (const auto& one : sockets) one->say(text);
    ASSERT_TRUE(turn_until(*r, [&] {
        return std::ranges::all_of(receivers, [&](const auto& one) { return one->bytes.size() == text.size(); });
    }));
    for (const auto& one : receivers) EXPECT_TRUE(one->bytes == text);
    EXPECT_GT(r->counters().no_buffers, 0U);

    // All is quiet again: nothing is left that would complete by itself.
    settle(*r);
    const auto before = r->counters().completions;
    settle(*r);
    EXPECT_EQ(r->counters().completions, before);
    // Each turn brought at least a few buffers' worth.
    EXPECT_LT(r->counters().enters, senders * text.size() / 512 + 100);
    for (const auto& one : receivers) r->abandon(*one);
    settle(*r);
}

TEST(Buffers, hold_what_came_until_they_are_given_back)
{
    auto r = make_ring({.submissions = 8, .completions = 64, .buffers = 2, .buffer_bytes = 16});
    struct keeper final : operation
    {
        keeper() : operation([](operation& op, completion c) { static_cast<keeper&>(op).got.push_back(c); }) {}
        std::vector<completion> got;
    } kept;
    socket_pair pair;
    r->receive_multishot(pair.ends[0], kept);
    pair.say("first of all....second of all...third of all....");
    ASSERT_TRUE(turn_until(*r, [&] { return !kept.in_flight(); }));
    ASSERT_EQ(kept.got.size(), 3U);
    EXPECT_EQ(r->received(kept.got[0]), "first of all....");
    EXPECT_EQ(r->received(kept.got[1]), "second of all...");
    EXPECT_EQ(kept.got[2].result, -ENOBUFS);
    r->recycle(kept.got[0]);
    r->recycle(kept.got[1]);
    r->receive_multishot(pair.ends[0], kept);
    ASSERT_TRUE(turn_until(*r, [&] { return kept.got.size() == 4; }));
    EXPECT_EQ(r->received(kept.got[3]), "third of all....");
    r->recycle(kept.got[3]);
    r->abandon(kept);
    settle(*r);
}

} // namespace
} // namespace sluice::testing

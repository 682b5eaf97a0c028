// What is still under way when a shard's part in the coherence of cached values ends.
#include "cache/coherence.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::cache::test {
namespace {

// A shard that never hears of what it sends.
struct silence final : coherence_actions
{
    void send(unsigned /*to*/, packet& /*p*/) override {}
    void load(flight& /*f*/) override {}
    void hurry(flight& /*f*/) override {}
    void erase(invalidation& /*i*/) override {}
    void announce(std::string_view /*key*/) override {}
    void erase_again(std::string_view /*key*/, std::uint64_t /*generation*/) override {}
};

// What was asked of another shard when the shards ended is given back (AddressSanitizer looks), whether it may still be
// joined or took so long that it may not.
TEST(Coherence, leaves_nothing_behind_of_what_was_never_answered)
{
    constexpr duration life = std::chrono::seconds(2);
    first_tier kept({.bytes = std::size_t{64} << 10});
    silence others;
    coherence rules({.self = 0, .shards = 2, .longest_life = life}, kept, others);
    constexpr std::uint64_t elsewhere = 1;
    const time_point now = {};
    for (const time_point when : {now, now + life}) {
        waiter asks([](waiter&, const answer&) { ADD_FAILURE() << "nobody answered"; });
        EXPECT_TRUE(rules.join(asks, 0, elsewhere, "key", when));
        static_cast<list_node<waiter>&>(asks).unlink();
    }
    EXPECT_EQ(rules.counters().detached, 1U);
}

} // namespace
} // namespace sluice::cache::test

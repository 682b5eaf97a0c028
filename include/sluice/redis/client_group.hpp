// The clients of one Redis on all shards of a process: that it has fallen silent one of them finds out, and all know.
//
//     redis::client_group all(shard_count);
//     … client_options{.where = …, .group = &all}
//
// The problem: that a server is frozen is only noticed by waiting for it, and each shard would wait by itself. The
// answer: who has waited for a whole command timeout tells the others. A connection on which something came lately
// knows better; all others are given up, so whatever waits for them ends at once, and is refused until they have been
// greeted again.
//
// And where the name of a server comes to stand for another one, while some connections go on to the former: whichever
// has been greeted tells all others, and those that were greeted earlier, by another run, are made anew. Earlier is
// what was counted earlier, since the clocks of two shards are up to a turn apart.
//
// Made before the shards, outlives them. What it holds of a shard is touched on that shard alone.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/coro/task.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice::redis {

class client_state;

class client_group
{
public:
    explicit client_group(unsigned shards) : connections_(shards) {} // all that there are (asserted)
    client_group(const client_group&) = delete;
    client_group& operator=(const client_group&) = delete;

private:
    friend class client_state;
    void tell_all(duration silent_for);
    [[nodiscard]] task<void> tell(unsigned to, duration silent_for);
    [[nodiscard]] std::uint64_t next_greeting() noexcept { return ++greetings_; }
    void tell_all_of_run(std::uint64_t greeting, const std::string& run);
    [[nodiscard]] task<void> tell_of_run(unsigned to, std::uint64_t greeting, std::string run);

    std::vector<std::vector<client_state*>> connections_; // of each shard
    std::atomic<std::uint64_t> greetings_{0};
};

} // namespace sluice::redis

#pragma GCC visibility pop

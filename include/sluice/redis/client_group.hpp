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
// And where the name of a server comes to stand for another one, while some connections go on to the former: a
// subscriber that has been greeted tells them, and those that are older and on another run are made anew.
//
// Made before the shards, outlives them. What it holds of a shard is touched on that shard alone.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/coro/task.hpp>

#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice::redis {

class client;
class client_state;

class client_group
{
public:
    explicit client_group(unsigned shards) : connections_(shards) {} // all that there are (asserted)
    client_group(const client_group&) = delete;
    client_group& operator=(const client_group&) = delete;

private:
    friend class client;
    friend class client_state;
    void tell_all(duration silent_for);
    [[nodiscard]] task<void> tell(unsigned to, duration silent_for);
    void tell_all_of_run(time_point greeted_at, const std::string& run);
    [[nodiscard]] task<void> tell_of_run(unsigned to, time_point greeted_at, std::string run);

    std::vector<std::vector<client_state*>> connections_; // of each shard
};

} // namespace sluice::redis

#pragma GCC visibility pop

#include "redis/client_state.hpp"

#include <sluice/redis/client_group.hpp>
#include <sluice/shard/message.hpp>
#include <sluice/shard/shard.hpp>

namespace sluice::redis {

// At once, ahead of whatever this shard sends to the others next.
void client_group::tell_all(duration silent_for)
{
    for (unsigned to = 0; to < connections_.size(); ++to) shard::current().background().spawn(tell(to, silent_for));
}

task<void> client_group::tell(unsigned to, duration silent_for)
{
    co_await on_shard(to, [this, to, silent_for] {
        for (client_state* one : connections_[to]) one->hear_of_silence(silent_for);
    });
}

void client_group::tell_all_of_run(std::uint64_t greeting, const std::string& run)
{
    for (unsigned to = 0; to < connections_.size(); ++to)
        shard::current().background().spawn(tell_of_run(to, greeting, run));
}

task<void> client_group::tell_of_run(unsigned to, std::uint64_t greeting, std::string run)
{
    co_await on_shard(to, [this, to, greeting, &run] {
        for (client_state* one : connections_[to]) one->hear_of_run(greeting, run);
    });
}

} // namespace sluice::redis

#include "process_cache.hpp"

#include <sluice/server/metrics_routes.hpp>

namespace sluice::app {

process_cache::process_cache(const settings& values, database& data, redis_clients* redis)
    : parts_(values.server.shards, values.cache), data_(data), redis_(redis)
{}

cache::shard_cache* process_cache::make_part(shard& on)
{
    if (parts_.options().first_tier_bytes == 0 && redis_ == nullptr) return nullptr;
    cache::shard_cache& made = make(on);
    made.expose(shard_metrics());
    // One shard hears for all of them.
    if (on.index() != 0) return &made;
    if (redis_ != nullptr)
        redis_->subscribe(on, parts_.channel(), made.subscriber_functions());
    else
        data_.hear_of_writes(on, made, parts_.process_id());
    return &made;
}

cache::shard_cache& process_cache::make(shard& on)
{
    if (redis_ != nullptr) return on.own<cache::shard_cache>(on, parts_, &redis_->client_of(on));
    return on.own<cache::shard_cache>(on, parts_, nullptr, data_.announcer(on, parts_.process_id()));
}

} // namespace sluice::app

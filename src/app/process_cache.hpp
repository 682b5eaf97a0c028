// The cache that the settings name: each shard's part of it, and how other processes are heard: through Redis, or
// through PostgreSQL where there is no Redis. Made once, before the shards, and outlives them.
#pragma once

#include "database.hpp"
#include "redis_clients.hpp"
#include "settings.hpp"

#include <sluice/cache/shard_cache.hpp>
#include <sluice/shard/shard.hpp>

namespace sluice::app {

class process_cache
{
public:
    process_cache(const settings& values, database& data, redis_clients* redis);

    // The shard's own, which lives as long as the shard: once on each, before any turns. Null: nothing is to be cached.
    [[nodiscard]] cache::shard_cache* make_part(shard& on);

private:
    [[nodiscard]] cache::shard_cache& make(shard& on);

    cache::shared_parts parts_;
    database& data_;
    redis_clients* redis_;
};

} // namespace sluice::app

// The Redis that the settings name, and each shard's client of it.
//
// Made once, before the shards, and outlives them. Nothing waits for Redis to be there.
#pragma once

#include "settings.hpp"

#include <sluice/redis/client.hpp>
#include <sluice/redis/subscriber.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sluice::app {

class redis_clients
{
public:
    // Null: the settings name none.
    [[nodiscard]] static std::unique_ptr<redis_clients> of(const settings& values);

    [[nodiscard]] std::string place() const { return redis::place_of(where_); } // for people
    // The pool of threads that look up names for it.
    [[nodiscard]] const offload_pool& blocking() const noexcept { return names_; }

    // The shard's own, which lives as long as the shard: made when it is first asked for, on the shard.
    [[nodiscard]] redis::client& client_of(shard& on);
    // Hears what is published on a channel for as long as the shard lives.
    void subscribe(shard& on, const std::string& channel, redis::subscriber::functions tell);

private:
    redis_clients(const settings& values, redis::location where);

    redis::location where_;
    redis_settings options_;
    std::vector<redis::client*> clients_; // one a shard, touched by it alone
    redis::client_group group_;
    offload_pool names_{{.threads = 1}};
};

} // namespace sluice::app

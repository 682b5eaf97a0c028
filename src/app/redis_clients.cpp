#include "redis_clients.hpp"

#include <sluice/server/metrics_routes.hpp>

#include <utility>

namespace sluice::app {

std::unique_ptr<redis_clients> redis_clients::of(const settings& values)
{
    if (values.redis.url.empty()) return nullptr;
    return std::unique_ptr<redis_clients>(new redis_clients(values, redis::parse_url(values.redis.url).value()));
}

redis_clients::redis_clients(const settings& values, redis::location where)
    : where_(std::move(where)), options_(values.redis), clients_(values.server.shards), group_(values.server.shards)
{}

redis::client& redis_clients::client_of(shard& on)
{
    redis::client*& mine = clients_[on.index()];
    if (mine == nullptr) {
        redis::client_options options{.where = where_,
                                      .connections = static_cast<unsigned>(options_.connections),
                                      .connect_timeout = options_.connect_timeout,
                                      .command_timeout = options_.command_timeout,
                                      .metrics = &shard_metrics(),
                                      .group = &group_};
        mine = &on.own<redis::client>(on, names_, std::move(options));
    }
    return *mine;
}

void redis_clients::subscribe(shard& on, const std::string& channel, redis::subscriber::functions tell)
{
    redis::subscriber_options options{.where = where_,
                                      .channels = {channel},
                                      .connect_timeout = options_.connect_timeout,
                                      .answer_timeout = options_.command_timeout,
                                      .beside = &client_of(on)};
    on.own<redis::subscriber>(on, names_, std::move(options), std::move(tell));
}

} // namespace sluice::app

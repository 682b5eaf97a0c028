#include "request_limit.hpp"

#include <sluice/core/log.hpp>
#include <sluice/server/metrics_routes.hpp>

namespace sluice::app {

request_limit::request_limit(const settings& values) : now_(values.rate_limit)
{
    if (now_.on())
        all_.emplace(now_.policy(), limit::rate_limit_options{.shards = values.server.shards,
                                                              .redis_patience = values.redis.command_timeout});
}

middleware* request_limit::make(shard& on, redis::client* redis)
{
    if (!all_) return nullptr;
    auto& limiter = on.own<limit::limiter>(on, *all_, redis);
    limiter.expose(shard_metrics());
    return &on.own<rate_limiting>(limiter, rate_limiting_options{.header = now_.header});
}

result<void> request_limit::change(const rate_limit_settings& to)
{
    if (to.on() != all_.has_value())
        return fail(errc::invalid, "rate_limit.requests cannot become 0, or cease to be 0, while the server runs");
    if (!all_ || all_->in_force() == to.policy()) return {};
    if (auto changed = all_->change(to.policy()); !changed) return changed;
    log(log_level::info, "The rate limit has changed", {{"limit", limit::to_string(to.policy())}});
    return {};
}

} // namespace sluice::app

// The rate limit that the settings name: one for the process, and a middleware for each shard.
//
// It is made before the shards and outlives them. change() is for the thread that runs the server.
#pragma once

#include "settings.hpp"

#include <sluice/core/error.hpp>
#include <sluice/middleware/rate_limiting.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/shard/shard.hpp>

#include <optional>

namespace sluice::app {

class request_limit
{
public:
    explicit request_limit(const settings& values);

    // On a shard's own thread; it lives as long as the shard. Null: there is no limit. Without a Redis the process
    // counts by itself.
    [[nodiscard]] middleware* make(shard& on, redis::client* redis);

    // How many requests, of what window, and what holds without Redis. Whether there is a limit at all, and by what
    // clients are told apart, is decided when the server starts.
    [[nodiscard]] result<void> change(const rate_limit_settings& to);

    // For readiness, on any thread: null where there is none.
    [[nodiscard]] const limit::rate_limit* all() const noexcept { return all_ ? &*all_ : nullptr; }

private:
    rate_limit_settings now_;
    std::optional<limit::rate_limit> all_;
};

} // namespace sluice::app

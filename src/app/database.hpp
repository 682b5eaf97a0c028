// The database that the settings name. It is opened once, outlives all shards, and each shard makes its own part of it:
// nothing above a part knows which database it is.
#pragma once

#include "resources/users/user_repository.hpp"
#include "settings.hpp"

#include <sluice/cache/shard_cache.hpp>
#include <sluice/core/error.hpp>
#include <sluice/route/middleware.hpp>
#include <sluice/server/health.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::app {

class database
{
public:
    virtual ~database() = default;
    [[nodiscard]] virtual std::string_view kind() const noexcept = 0; // as /readyz and the log name it: "sqlite"
    [[nodiscard]] virtual std::string place() const = 0;              // for people: "sluice.db"

    // The pool of threads that block for it.
    [[nodiscard]] virtual const offload_pool& blocking() const noexcept = 0;

    // On a shard's own thread, before it accepts, in this order. What they give lives as long as the shard.
    [[nodiscard]] virtual users::user_repository& make_users(shard& on) = 0;
    [[nodiscard]] virtual health::readiness_check readiness(shard& on) = 0;
    // What refuses requests while there is no answering them; null: nothing.
    [[nodiscard]] virtual middleware* guard(shard&) { return nullptr; }

    // How processes on this database hear of each other's writes where nothing else tells them; by itself: not at all.
    // Each shard says what it wrote, after make_users(), and one of them hears.
    [[nodiscard]] virtual std::function<void(std::string_view key)> announcer(shard&, const std::string& /*sender*/)
    {
        return {};
    }
    virtual void hear_of_writes(shard&, cache::shard_cache&, const std::string& /*own_sender*/) {}
};

// With its schema up to date; fails where it cannot be.
[[nodiscard]] result<std::unique_ptr<database>> open_embedded(const std::string& path);
// Whether PostgreSQL is there or not: what is missing comes by itself once it is.
[[nodiscard]] std::unique_ptr<database> open_postgres(const settings& values);

} // namespace sluice::app

// The database that the settings name. It is opened once, outlives all shards, and each shard makes its own part of it:
// nothing above a part knows which database it is.
#pragma once

#include "resources/users/user_repository.hpp"
#include "settings.hpp"

#include <sluice/core/error.hpp>
#include <sluice/route/middleware.hpp>
#include <sluice/server/health.hpp>
#include <sluice/shard/shard.hpp>

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

    // On a shard's own thread, before it accepts, in this order. What they give lives as long as the shard.
    [[nodiscard]] virtual users::user_repository& make_users(shard& on) = 0;
    [[nodiscard]] virtual health::readiness_check readiness(shard& on) = 0;
    // What refuses requests while there is no answering them; null: nothing.
    [[nodiscard]] virtual middleware* guard(shard&) { return nullptr; }
};

// With its schema up to date; fails where it cannot be.
[[nodiscard]] result<std::unique_ptr<database>> open_embedded(const std::string& path);
// Whether PostgreSQL is there or not: what is missing comes by itself once it is.
[[nodiscard]] std::unique_ptr<database> open_postgres(const settings& values);

} // namespace sluice::app

// PostgreSQL: a pool of connections for each shard.
#include "database.hpp"
#include "postgres_notices.hpp"
#include "readiness_guard.hpp"
#include "resources/schema.hpp"
#include "resources/users/postgres_user_repository.hpp"
#include "schema_upkeep.hpp"

#include <sluice/postgres/connection_info.hpp>
#include <sluice/postgres/listener.hpp>
#include <sluice/postgres/pool.hpp>
#include <sluice/server/metrics_routes.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::app {
namespace {

// Until the server serves, ready or not.
constexpr duration first_attempt_max = std::chrono::seconds(2);

struct part
{
    postgres::pool* connections = nullptr;
    readiness_guard* guard = nullptr;
};

// Made before there is a shard, none of which waits for another's first look.
static_assert(postgres_tables.size() == 1);
const std::string columns_missing_text = postgres::missing_columns(postgres_tables[0]);
const postgres::statement columns_missing{"sluice_missing_columns", columns_missing_text.c_str(),
                                          postgres::access::reads};

// Ready is a database that answers and still has the schema: a table or a column that somebody dropped is as good as a
// server that is away. A newer program may have brought it further.
task<result<void>> ping(part of)
{
    static constexpr postgres::statement version{
        "sluice_schema_version", "SELECT coalesce(max(version), 0)::int4 FROM sluice_schema", postgres::access::reads};
    if (auto ready = of.guard->check(); !ready) co_return fail(std::move(ready).error());
    auto found = co_await of.connections->query(version);
    if (!found) co_return fail(std::move(found).error());
    if (std::cmp_less((*found)[0].get<std::int32_t>(0), postgres_schema.size()))
        co_return fail(error{.code = errc::unavailable, .detail = "The schema is too old", .dependency = "postgres"});
    auto missing = co_await of.connections->query(columns_missing);
    if (!missing) co_return fail(std::move(missing).error());
    if (!(*missing)[0].get<std::string_view>(0).empty())
        co_return fail(
            error{.code = errc::unavailable, .detail = "The schema lacks columns", .dependency = "postgres"});
    co_return {};
}

class postgres_database final : public database
{
public:
    explicit postgres_database(const settings& values)
        : options_(values.postgres), url_(values.postgres_url()), listens_(values.listens_on_postgres()),
          parts_(values.server.shards), connecting_({.threads = values.server.shards + 1}),
          schema_({.url = url_, .connect_timeout = options_.connect_timeout}, postgres_schema)
    {
        schema_.wait_for_the_first_attempt(std::min<duration>(options_.connect_timeout, first_attempt_max));
    }
    [[nodiscard]] std::string_view kind() const noexcept override { return "postgres"; }
    [[nodiscard]] std::string place() const override { return postgres::place_of(url_); }
    [[nodiscard]] const offload_pool& blocking() const noexcept override { return connecting_; }
    [[nodiscard]] users::user_repository& make_users(shard& on) override
    {
        part& made = parts_[on.index()];
        made.connections = &on.own<postgres::pool>(on, connecting_, options_of(on));
        made.guard = &on.own<readiness_guard>(schema_.done());
        return on.own<users::postgres_user_repository>(*made.connections);
    }
    [[nodiscard]] health::readiness_check readiness(shard& on) override
    {
        return [mine = parts_[on.index()]] { return ping(mine); };
    }
    [[nodiscard]] middleware* guard(shard& on) override { return parts_[on.index()].guard; }
    [[nodiscard]] std::function<void(std::string_view)> announcer(shard& on, const std::string& sender) override
    {
        if (!listens_) return {};
        auto& notices = on.own<notice_sender>(on, *parts_[on.index()].connections, sender);
        return [&notices](std::string_view key) { notices.say(key); };
    }
    void hear_of_writes(shard& on, cache::shard_cache& part, const std::string& own_sender) override
    {
        if (!listens_) return;
        on.own<postgres::listener>(on, connecting_,
                                   postgres::listener_options{.url = url_,
                                                              .channels = {std::string(notice_channel)},
                                                              .connect_timeout = options_.connect_timeout},
                                   notice_functions(part, own_sender));
    }

private:
    // A shard's share: what does not divide evenly goes to the first ones. The one that listens is counted.
    [[nodiscard]] postgres::pool_options options_of(const shard& on) const
    {
        const auto connections = static_cast<unsigned>(options_.max_connections) - (listens_ ? 1U : 0U);
        return {.url = url_,
                .connections_max = connections / on.count() + (on.index() < connections % on.count() ? 1U : 0U),
                .transaction_pooler = options_.transaction_pooler,
                .connect_timeout = options_.connect_timeout,
                .statement_timeout = options_.statement_timeout,
                .idle_timeout = options_.idle_timeout,
                .waiters_max = options_.max_waiters,
                .metrics = &shard_metrics()};
    }

    postgres_settings options_;
    std::string url_;
    bool listens_;            // for what other processes write
    std::vector<part> parts_; // one a shard, touched by it alone
    offload_pool connecting_; // one thread a shard, so that a host that says nothing holds up none but itself
    schema_upkeep schema_;
};

} // namespace

std::unique_ptr<database> open_postgres(const settings& values) { return std::make_unique<postgres_database>(values); }

} // namespace sluice::app

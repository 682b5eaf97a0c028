// The users API from memory, for measuring the whole stack above a database: `users_memory [--listen ADDR:PORT]
// [--shards N] [--id UUID] [--busy-poll auto|off] [--limit N [--redis URL]] [--log FILE] [--metrics on|off]`
//
// Every shard has a set of users of its own, with one user in it whose id is known, so GET /users/{id} answers the same
// on all of them. What is written is seen by one shard only: this is no server for anything else. With --limit each
// client may make so many requests a minute, counted in the process or, with --redis, for all processes.
#include "program.hpp"
#include "resources/users/memory_user_repository.hpp"
#include "resources/users/user_routes.hpp"

#include <sluice/limit/limiter.hpp>
#include <sluice/middleware/rate_limiting.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/cpus.hpp>
#include <sluice/shard/offload.hpp>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice;

users::user known_user(const uuid& id)
{
    const timestamp made = std::chrono::sys_days(std::chrono::year(2026) / 1 / 31) + std::chrono::microseconds(123456);
    return {
        .id = id, .email = "ada.lovelace@example.com", .name = "Ada Lovelace", .created_at = made, .updated_at = made};
}

struct limit_options
{
    std::uint32_t requests = 0; // none
    std::string redis;
};

class limits
{
public:
    limits(const limit_options& options, unsigned shards)
    {
        if (options.requests == 0) return;
        all_.emplace(limit::policy{.quotas = {{.requests = options.requests, .window = std::chrono::minutes(1)}}},
                     limit::rate_limit_options{.shards = shards});
        if (!options.redis.empty()) redis_ = redis::parse_url(options.redis).value();
    }
    void use_in(router& routes, shard& on)
    {
        if (!all_) return;
        redis::client* shared = nullptr;
        if (redis_) shared = &on.own<redis::client>(on, blocking_, redis::client_options{.where = *redis_});
        routes.use(on.own<rate_limiting>(on.own<limit::limiter>(on, *all_, shared)));
    }

private:
    std::optional<limit::rate_limit> all_;
    std::optional<redis::location> redis_;
    offload_pool blocking_{{.threads = 1}};
};

result<void> serve(server_options options, const uuid& id, const limit_options& limited)
{
    if (options.shards == 0) options.shards = default_shards();
    limits all_limits(limited, options.shards);
    server all(std::move(options));
    all.on_shard([&](shard& on, router& routes) {
        all_limits.use_in(routes, on);
        auto& repository = on.own<users::memory_user_repository>();
        users::user known = known_user(id);
        pooled_string key = known.email;
        repository.put(std::move(known), std::move(key));
        users::user_routes(routes, on.own<users::user_service>(repository));
    });
    all.on_ready([&id](const std::vector<std::string>& listening) {
        for (const std::string& address : listening)
            std::printf("http://%s/users/%s\n", address.c_str(), id.to_string().c_str());
        std::fflush(stdout);
    });
    return all.run();
}

} // namespace

int main(int argc, char** argv)
{
    std::string id = "019c0000-0000-7000-8000-000000000001";
    limit_options limited;
    program made("users_memory", "The users API of Sluice with its users in memory");
    made.can_be_watched();
    made.command.add_option("--id", id, "of the user that is there from the start")
        ->check([](const std::string& given) { return uuid::parse(given) ? "" : "must be a UUID"; }, "UUID")
        ->capture_default_str();
    made.command.add_option("--limit", limited.requests, "requests a minute that a client may make; 0: any number");
    made.command.add_option("--redis", limited.redis, "URL of the Redis that counts");
    return made.run(argc, argv, [&](server_options options) {
        return serve(std::move(options), uuid::parse(id).value(), limited);
    });
}

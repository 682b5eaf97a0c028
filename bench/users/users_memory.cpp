// The users API from memory, for measuring the whole stack above a database: `users_memory [--listen ADDR:PORT]
// [--shards N] [--id UUID] [--busy-poll auto|off] [--limit N [--redis URL]] [--log FILE] [--metrics on|off]`
//
// Every shard has a set of users of its own, with one user in it whose id is known, so GET /users/{id} answers the same
// on all of them. What is written is seen by one shard only: this is no server for anything else. With --limit each
// client may make so many requests a minute, counted in the process or, with --redis, for all processes.
#include "resources/users/memory_user_repository.hpp"
#include "resources/users/user_routes.hpp"

#include <sluice/core/log.hpp>
#include <sluice/limit/limiter.hpp>
#include <sluice/middleware/rate_limiting.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/cpus.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>

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

// The process's sink while it lives.
class log_in_use
{
public:
    explicit log_in_use(log_file& log) noexcept { exchange_log_sink(&log); }
    ~log_in_use() { exchange_log_sink(nullptr); }
    log_in_use(const log_in_use&) = delete;
    log_in_use& operator=(const log_in_use&) = delete;
};

int serve(server_options options, const uuid& id, const limit_options& limited, const std::string& path)
{
    if (options.shards == 0) options.shards = default_shards();
    limits all_limits(limited, options.shards);
    std::unique_ptr<log_file> log;
    std::optional<log_in_use> used;
    if (!path.empty()) {
        auto opened = log_file::open({.path = path});
        if (!opened) {
            std::fprintf(stderr, "users_memory: %s\n", opened.error().detail.c_str());
            return 1;
        }
        log = *std::move(opened);
        used.emplace(*log);
    }
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
    if (const auto ended = all.run(); !ended) {
        std::fprintf(stderr, "users_memory: %s\n", ended.error().detail.c_str());
        return 1;
    }
    return 0;
}

} // namespace

int main(int argc, char** argv)
try {
    std::string listen = "127.0.0.1:8080";
    std::string id = "019c0000-0000-7000-8000-000000000001";
    std::string busy_poll = "auto";
    std::string log;
    std::string metrics = "on";
    server_options options;
    limit_options limited;
    CLI::App command("The users API of Sluice with its users in memory");
    command.add_option("--listen", listen, "ADDR:PORT, [v6]:PORT or unix:/path")->capture_default_str();
    command.add_option("--shards", options.shards, "reactors; 0: one for each CPU that the process may use")
        ->capture_default_str();
    command.add_option("--id", id, "of the user that is there from the start")->capture_default_str();
    command.add_option("--busy-poll", busy_poll, "auto or off")
        ->check(CLI::IsMember({"auto", "off"}))
        ->capture_default_str();
    command.add_option("--limit", limited.requests, "requests a minute that a client may make; 0: any number");
    command.add_option("--redis", limited.redis, "URL of the Redis that counts");
    command.add_option("--log", log, "a file for access lines; none: they are not written");
    command.add_option("--metrics", metrics, "on or off")->check(CLI::IsMember({"on", "off"}))->capture_default_str();
    try {
        command.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return command.exit(wrong) == 0 ? 0 : 2;
    }
    const auto parsed = uuid::parse(id);
    if (!parsed) {
        std::fprintf(stderr, "users_memory: --id must be a UUID\n");
        return 2;
    }
    options.listen = {listen};
    options.busy_poll = busy_poll == "off" ? busy_poll_mode::off : busy_poll_mode::automatic;
    options.access_log.lines = !log.empty();
    options.metrics = metrics == "on";
    if (log.empty() && !options.metrics) options.access_log.slow = {};
    return serve(std::move(options), *parsed, limited, log);
} catch (const std::exception& failure) {
    std::fprintf(stderr, "users_memory: %s\n", failure.what());
    return 1;
}

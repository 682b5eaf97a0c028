// What can be set, with the defaults: the program's settings as plain values.
//
// A setting is added here as a member and in setting_table.cpp as one row; files, environment, flags, `sluice config`
// and docs/settings.md follow from the row.
#pragma once

#include <sluice/cache/shard_cache.hpp>
#include <sluice/limit/policy.hpp>
#include <sluice/postgres/connection_info.hpp>
#include <sluice/server/server.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace sluice::app {

struct postgres_settings
{
    postgres::location at;            // used where there is no database_url
    std::size_t max_connections = 20; // of the process
    std::size_t max_waiters = 1024;   // of a shard
    bool transaction_pooler = false;
    duration idle_timeout = std::chrono::seconds(30);
    duration connect_timeout = std::chrono::seconds(2);
    duration statement_timeout = std::chrono::seconds(5);
};

struct redis_settings
{
    std::string url;             // empty: there is none
    std::size_t connections = 1; // of a shard
    duration connect_timeout = std::chrono::seconds(1);
    duration command_timeout = std::chrono::milliseconds(250);
};

struct rate_limit_settings
{
    std::size_t requests = 0; // 0: no limit
    duration window = std::chrono::seconds(60);
    std::string header; // whose value names the client; empty: the client's address
    limit::on_failure on_redis_failure = limit::on_failure::local;

    [[nodiscard]] bool on() const noexcept { return requests != 0; }
    [[nodiscard]] limit::policy policy() const;
};

struct telemetry_settings
{
    std::string otlp_url; // of a collector of traces; empty: none
    double sample_ratio = 0.01;
};

struct settings
{
    server_options server = {.admin_listen = "127.0.0.1:9090", .access_log = {.lines = true}};
    std::vector<std::string> admin_names; // of this machine, for the admin listener
    std::string database_url;             // of PostgreSQL; empty: see below
    std::string sqlite_path = "sluice.db";
    postgres_settings postgres;
    redis_settings redis;
    cache::cache_options cache;
    rate_limit_settings rate_limit;
    std::vector<std::string> trusted_proxies; // addresses and networks
    telemetry_settings telemetry;
    log_level level = log_level::info;
    std::string log_file;                                     // empty: standard output
    std::string journal_socket = std::string(system_journal); // used where standard output leads to it
    std::vector<std::string> redact = secret_words();

    // The database is PostgreSQL where a URL or a host is named, and the embedded one otherwise.
    [[nodiscard]] bool uses_postgres() const { return !database_url.empty() || !postgres.at.host.empty(); }
    [[nodiscard]] std::string postgres_url() const
    {
        return database_url.empty() ? postgres::connection_string(postgres.at) : database_url;
    }
    // Does one of its connections hear what other processes write? Only where there is a cache that has to know, no
    // Redis that would tell, and a connection to spare; behind a pooler sessions are shared.
    [[nodiscard]] bool listens_on_postgres() const
    {
        return uses_postgres() && redis.url.empty() && cache.first_tier_bytes != 0 && !postgres.transaction_pooler &&
               postgres.max_connections > server.shards;
    }
};

} // namespace sluice::app

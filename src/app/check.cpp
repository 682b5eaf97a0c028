// `sluice check`: could the server run here? One line for each thing that it needs.
#include "check_listen.hpp"
#include "commands.hpp"
#include "resources/schema.hpp"

#include <sluice/postgres/connection_info.hpp>
#include <sluice/postgres/migration.hpp>
#include <sluice/redis/inspect.hpp>
#include <sluice/ring/probe.hpp>
#include <sluice/sqlite/migration.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <unistd.h>

namespace sluice::app {
namespace {

class report
{
public:
    void ok(std::string_view what) { fmt::print("ok   {}\n", what); }
    // It could run, and not do all that it says it does.
    void warned(std::string_view what_and_mend) { fmt::print("WARN {}\n", what_and_mend); }
    void failed(std::string_view what_and_mend)
    {
        fmt::print("FAIL {}\n", what_and_mend);
        all_good_ = false;
    }
    [[nodiscard]] bool all_good() const noexcept { return all_good_; }

private:
    bool all_good_ = true;
};

void check_kernel(report& to, const server_options& options)
{
    for (const kernel_finding& one : probe_kernel({.shards = options.shards, .connections = options.connections})) {
        switch (one.said) {
        case verdict::ok:
            to.ok(one.what);
            break;
        case verdict::failed:
            to.failed(fmt::format("{}: {}", one.what, one.mend));
            break;
        case verdict::present:
            to.ok(fmt::format("{}: present, not needed", one.what));
            break;
        case verdict::absent:
            to.ok(fmt::format("{}: absent, not needed", one.what));
            break;
        }
    }
}

void check_address(report& to, std::string_view key, std::string_view address)
{
    if (const std::optional<std::string> why = why_not_listen(address))
        to.failed(fmt::format("{}: {} {}", key, address, *why));
    else
        to.ok(fmt::format("{}: {}", key, address));
}

// Without making the file.
void check_log(report& to, const std::string& path)
{
    if (path.empty()) {
        to.ok("log: standard output");
        return;
    }
    const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
    const bool there = ::access(path.c_str(), F_OK) == 0;
    if (::access(there ? path.c_str() : folder.c_str(), W_OK) == 0 && !std::filesystem::is_directory(path)) {
        to.ok(fmt::format("log: {}", path));
    } else {
        to.failed(fmt::format("log: {} cannot be written: let log.file name a file that this user may write", path));
    }
}

template <class State> void check_schema(report& to, const std::string& place, const result<State>& found)
{
    if (!found)
        to.failed("database: " + found.error().detail);
    else if (found->version < found->newest) {
        to.ok(fmt::format("database: {}, schema version {}; serve or migrate brings it to {}", place, found->version,
                          found->newest));
    } else {
        to.ok(fmt::format("database: {}, schema version {}", place, found->version));
    }
}

void check_database(report& to, const settings& values)
{
    if (values.uses_postgres()) {
        const std::string url = values.postgres_url();
        const auto found = postgres::inspect({.url = url, .connect_timeout = values.postgres.connect_timeout},
                                             postgres_schema, postgres_tables);
        check_schema(to, "PostgreSQL at " + postgres::place_of(url), found);
        return;
    }
    const auto found = sqlite::inspect(values.sqlite_path, sqlite_schema);
    if (found && !found->exists)
        to.ok(fmt::format("database: {} is not there yet and will be made", values.sqlite_path));
    else
        check_schema(to, values.sqlite_path, found);
}

void check_redis(report& to, const redis_settings& values, bool limits)
{
    if (values.url.empty()) {
        to.ok("redis: none");
        return;
    }
    const redis::location where = redis::parse_url(values.url).value();
    const auto found = redis::inspect(
        {.where = where, .connect_timeout = values.connect_timeout, .command_timeout = values.command_timeout});
    if (!found) {
        to.failed("redis: " + found.error().detail);
        return;
    }
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(found->latency).count();
    to.ok(fmt::format("redis: {}, version {}, answers within {} us", redis::place_of(where), found->version,
                      microseconds));
    if (limits && !found->eviction.empty()) {
        to.warned(fmt::format("redis: maxmemory-policy {} evicts what the rate limit has counted, and a client whose "
                              "count is gone begins anew: set noeviction",
                              found->eviction));
    }
}

} // namespace

int check(const loaded_settings& loaded)
{
    report all;
    all.ok(loaded.file ? "configuration: " + *loaded.file : "configuration: no file");
    check_kernel(all, loaded.values.server);
    for (const std::string& one : loaded.values.server.listen) check_address(all, "listen", one);
    if (const std::string& admin = loaded.values.server.admin_listen; !admin.empty()) {
        check_address(all, "admin_listen", admin);
    }
    check_log(all, loaded.values.log_file);
    check_database(all, loaded.values);
    check_redis(all, loaded.values.redis, loaded.values.rate_limit.on());
    return all.all_good() ? status_done : status_failed;
}

} // namespace sluice::app

// `sluice serve`: the server, until it is told to stop.
#include "commands.hpp"
#include "wiring.hpp"

#include <sluice/core/log.hpp>
#include <sluice/ring/probe.hpp>
#include <sluice/server/server.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <unistd.h>

namespace sluice::app {
namespace {

// The process's sink while it lives.
class log_in_use
{
public:
    explicit log_in_use(log_file& log) noexcept { exchange_log_sink(&log); }
    ~log_in_use() { exchange_log_sink(nullptr); }
    log_in_use(const log_in_use&) = delete;
    log_in_use& operator=(const log_in_use&) = delete;
};

std::string url_of(const std::string& address) { return address.starts_with("unix:") ? address : "http://" + address; }

std::string join(std::span<const std::string> parts, std::string (*of)(const std::string&))
{
    std::string text;
    for (const std::string& one : parts) text += (text.empty() ? "" : ", ") + of(one);
    return text;
}

// `listening`: the API's listeners in the order of the setting, then the admin listener, if there is one.
void tell(const loaded_settings& loaded, const dependencies& with, const std::vector<std::string>& listening)
{
    const settings& values = loaded.values;
    const std::span<const std::string> all = listening;
    const std::string api = join(all.first(values.server.listen.size()), &url_of);
    const std::string admin = join(all.subspan(values.server.listen.size()), &url_of);
    log(log_level::info,
        fmt::format("Serving {}{}{}, database {}{}", api, admin.empty() ? "" : ", admin on ", admin, with.data.place(),
                    with.redis == nullptr ? "" : ", Redis " + with.redis->place()),
        {{"listen", api},
         {"admin_listen", admin},
         {"shards", values.server.shards},
         {"database", with.data.kind()},
         {"configuration", loaded.file.value_or("")},
         {"version", SLUICE_VERSION}});
}

// Before there is any thread, since threads inherit this: the server alone takes these signals, from a descriptor, and
// one that comes while it starts waits there for it. A log that nobody reads is an error of a write, not the end.
void leave_signals_to_the_server()
{
    sigset_t watched;
    ::sigemptyset(&watched);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watched, number);
    ::pthread_sigmask(SIG_BLOCK, &watched, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

result<std::unique_ptr<log_file>> open_log(const settings& values)
{
    log_file_options options = {.path = values.log_file, .level = values.level, .redact = values.redact};
    const char* stream = std::getenv("JOURNAL_STREAM");
    if (values.log_file.empty() && stream != nullptr && output_is_journal(stream)) {
        options.journal_socket = values.journal_socket;
        if (auto journal = log_file::open(options)) return journal;
        options.journal_socket.clear(); // its stream takes lines, too
    }
    return log_file::open(std::move(options));
}

result<std::unique_ptr<database>> open_database(const settings& values)
{
    if (values.uses_postgres()) return open_postgres(values);
    return open_embedded(values.sqlite_path);
}

// What can change while the server runs, from the same sources as before. What cannot is said, and keeps nothing else
// from changing.
void reload(const setting_sources& sources, request_limit& limit)
{
    const auto loaded = load_settings(sources);
    if (!loaded) {
        log(log_level::error, "The settings in use stay as they are", {{"reason", loaded.error()}});
        return;
    }
    if (const auto changed = limit.change(loaded->values.rate_limit); !changed)
        log(log_level::error, "The rate limit stays as it is", {{"reason", changed.error().detail}});
    change_log_level(loaded->values.level);
    log(log_level::info, "The settings were read again", {{"log_level", name(loaded->values.level)}});
}

server_options server_options_of(const settings& values)
{
    server_options options = values.server;
    options.trusted_proxies = http::trusted_peers::parse(values.trusted_proxies).value(); // as the setting was checked
    return options;
}

result<void> run(const loaded_settings& loaded, const setting_sources& sources, log_file& log)
{
    const settings& values = loaded.values;
    server all(server_options_of(values));
    if (auto bound = all.bind(); !bound) return bound; // before a file is made for a server that cannot run
    auto opened = open_database(values);
    if (!opened) return std::unexpected(std::move(opened).error());
    const auto redis = redis_clients::of(values);
    request_limit limit(values);
    const auto traces = tracing::of(values);
    process_cache cache(values, **opened, redis.get());
    const dependencies with{.values = values,
                            .data = **opened,
                            .redis = redis.get(),
                            .limit = limit,
                            .cache = cache,
                            .log = log,
                            .traces = traces.get()};

    all.on_shard([&with](shard& on, router& routes) { wire_api(on, routes, with); });
    all.on_admin([&with](shard& on, router& routes) { wire_admin(on, routes, with); });
    all.on_ready([&](const std::vector<std::string>& listening) { tell(loaded, with, listening); });
    all.on_hangup([&] {
        log.reopen();
        reload(sources, limit);
    });
    return all.run();
}

int serve_with(const loaded_settings& loaded, const setting_sources& sources, log_file& log)
{
    const log_in_use used(log);
    if (auto ended = run(loaded, sources, log); !ended) {
        complain(ended.error().detail);
        return status_failed;
    }
    sluice::log(log_level::info, "Stopped");
    return status_done;
}

// On standard error, if it takes them: it may lead to the reader that has stopped reading, and is not waited for.
void tell_of_lost_lines(std::uint64_t lost)
{
    pollfd errors = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (lost == 0 || ::poll(&errors, 1, 0) != 1 || (errors.revents & POLLOUT) == 0) return;
    const std::string text = fmt::format("sluice: {} lines of the log are lost, since it could not be written\n", lost);
    (void)!::write(STDERR_FILENO, text.data(), text.size());
}

} // namespace

int serve(const loaded_settings& loaded, const setting_sources& sources)
{
    leave_signals_to_the_server();
    const settings& values = loaded.values;
    auto log = open_log(values);
    if (!log) {
        // The log has the first ring: what keeps io_uring from it keeps it from the shards, and is said of all of them.
        const auto able = require_kernel({.shards = values.server.shards, .connections = values.server.connections});
        complain(able ? log.error().detail : able.error().detail);
        return status_failed;
    }
    const int status = serve_with(loaded, sources, **log);
    tell_of_lost_lines((*log)->close());
    return status;
}

} // namespace sluice::app

// `sluice routes`: every route, its middleware and its limits.
#include "commands.hpp"
#include "readiness_guard.hpp"
#include "resources/users/memory_user_repository.hpp"
#include "wiring.hpp"

#include <sluice/middleware/same_site.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::app {
namespace {

// Stands in the place of the limit, which needs shards.
class limit_line final : public middleware
{
public:
    explicit limit_line(const rate_limit_settings& values)
        : name_(rate_limiting::name_of(values.policy(), {.header = values.header}))
    {}
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }

private:
    std::string name_;
};

void print(router& routes, std::string_view listener, const server_options& options)
{
    routes.freeze();
    for (const route* one : routes.list()) {
        const auto body = bytes{one->options().body_bytes.value_or(options.limits.body_bytes)};
        const duration timeout = one->options().request_timeout.value_or(options.request_timeout);
        const auto around = one->middleware_names();
        fmt::print("{:<7} {:<24} {:<8} {:<8} {:<8} {}\n", http::name(one->method()), one->pattern(), listener,
                   one->options().stream_body ? "stream" : to_string(body), to_string(timeout),
                   around.empty() ? "-" : fmt::format("{}", fmt::join(around, ", ")));
    }
}

} // namespace

int print_routes(const loaded_settings& loaded)
{
    // Nothing is asked of the parts, so those without a database do.
    users::memory_user_repository repository;
    users::user_service users(repository);
    health state;
    router api;
    const std::atomic<bool> ready = true;
    readiness_guard guard(ready);
    limit_line limit(loaded.values.rate_limit);
    std::vector<middleware*> around;
    if (loaded.values.rate_limit.on()) around.push_back(&limit);
    if (loaded.values.uses_postgres()) around.push_back(&guard);
    api_routes(api, users, state, around);
    router admin;
    same_site names(loaded.values.admin_names);
    admin_routes(admin, state, names);

    const server_options& options = loaded.values.server;
    fmt::print("{:<7} {:<24} {:<8} {:<8} {:<8} {}\n", "METHOD", "PATTERN", "LISTENER", "BODY", "TIMEOUT", "MIDDLEWARE");
    print(api, "api", options);
    if (!options.admin_listen.empty()) print(admin, "admin", options);
    return status_done;
}

} // namespace sluice::app

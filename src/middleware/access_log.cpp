#include <sluice/core/context.hpp>
#include <sluice/core/log.hpp>
#include <sluice/http/method.hpp>
#include <sluice/middleware/access_log.hpp>

#include <array>
#include <span>

namespace sluice {
namespace {

constexpr std::uint16_t first_error = 400, first_failure = 500;

std::int64_t microseconds(duration d) noexcept
{
    return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

void write_line(log_level level, const http::request& asked, const access& answered) noexcept
{
    const context& request = asked.context();
    const std::array fields = {
        log_field("method", name(asked.method())),
        log_field("route", asked.route()),
        log_field("path", asked.path()),
        log_field("status", static_cast<std::uint16_t>(answered.status)),
        log_field("duration_us", microseconds(answered.took)),
        log_field("bytes_out", answered.bytes_out),
        log_field("client", asked.client()),
        log_field("db_us", microseconds(request.stages.spent(stage::query))),
        log_field("cache", name(request.cache)),
    };
    const bool cached = request.cache != cache_tier::none;
    log(level, "request", std::span(fields).first(fields.size() - (cached ? 0 : 1)));
}

void write_stages(const http::request& asked, const access& answered) noexcept
{
    const stage_times& stages = asked.context().stages;
    const auto spent = [&](stage s) { return microseconds(stages.spent(s)); };
    log(log_level::warn, "slow request",
        {{"method", name(asked.method())},
         {"route", asked.route()},
         {"path", asked.path()},
         {"status", static_cast<std::uint16_t>(answered.status)},
         {"duration_us", microseconds(answered.took)},
         {"head_us", microseconds(answered.head)},
         {"body_us", spent(stage::body)},
         {"limit_us", spent(stage::limit)},
         {"cache_us", spent(stage::cache)},
         {"pool_wait_us", spent(stage::pool_wait)},
         {"query_us", spent(stage::query)},
         {"redis_us", spent(stage::redis)},
         {"call_us", spent(stage::call)},
         {"write_us", spent(stage::write)},
         {"work_us", spent(stage::work)}});
}

} // namespace

void log_access(const http::request& asked, const access& answered, const access_log_options& options) noexcept
{
    context& request = asked.context();
    const bool slow = options.slow > duration::zero() && answered.took >= options.slow;
    const auto status = static_cast<std::uint16_t>(answered.status);
    const bool kept = slow || answered.sampled || request.debug || status >= first_error;
    if (!slow && !(options.lines && kept)) return;
    // The lines name the request's trace, wherever this is called from.
    context* before = context::exchange_current(&request);
    const log_level level = slow || status >= first_failure ? log_level::warn : log_level::info;
    if (options.lines && log_enabled(level)) write_line(level, asked, answered);
    if (slow) write_stages(asked, answered);
    context::exchange_current(before);
}

} // namespace sluice

#include <sluice/core/context.hpp>
#include <sluice/core/log.hpp>
#include <sluice/http/method.hpp>
#include <sluice/middleware/access_log.hpp>

namespace sluice {

void log_access(const http::request& asked, const access& answered) noexcept
{
    // The line names the request's trace, wherever it is called from.
    context* before = context::exchange_current(&asked.context());
    log(log_level::info, "request",
        {{"method", name(asked.method())},
         {"route", asked.route()},
         {"path", asked.path()},
         {"status", static_cast<std::uint16_t>(answered.status)},
         {"duration_us", std::chrono::duration_cast<std::chrono::microseconds>(answered.took).count()},
         {"bytes_out", answered.bytes_out},
         {"client", asked.client()}});
    context::exchange_current(before);
}

} // namespace sluice

#include <sluice/core/log.hpp>
#include <sluice/json/fields.hpp>
#include <sluice/route/json.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/log_routes.hpp>

#include <tuple>

namespace sluice {
namespace {

struct level_document
{
    pooled_string level;
};

} // namespace

template <> struct fields<level_document>
{
    static constexpr auto list = std::tuple{field("level", &level_document::level)};
};

namespace {

http::response level_now()
{
    // The sink's own, whatever this request asks for. Without a sink nothing is written, and yet an error would be.
    const std::uint8_t least = detail::log_threshold.load(std::memory_order_relaxed);
    const log_level now = least == detail::no_log_level ? log_level::error : static_cast<log_level>(least);
    http::response made = json(level_document{.level = pooled_string(name(now))});
    made.header("Cache-Control", "no-store");
    return made;
}

result<http::response> change_level(http::request& asked)
{
    const auto wanted = json_body<level_document>(asked);
    if (!wanted) return fail(wanted.error());
    const std::optional<log_level> next = log_level_named(wanted->level);
    if (!next)
        return fail(error{.code = errc::invalid,
                          .detail = "There is no such level",
                          .violations = {{"/level", "must be debug, info, warn or error"}}});
    change_log_level(*next);
    log(log_level::warn, "The log's level was changed", {{"log_level", wanted->level}, {"client", asked.client()}});
    return level_now();
}

} // namespace

void log_routes(router& to)
{
    to.get("/log/level", [](http::request&) { return level_now(); });
    to.put("/log/level", [](http::request& asked) { return change_level(asked); });
}

} // namespace sluice

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
    // Whatever the level, an error is written; without a sink nothing is.
    log_level least = log_level::error;
    for (const log_level one : {log_level::warn, log_level::info, log_level::debug})
        if (log_enabled(one)) least = one;
    http::response made = json(level_document{.level = pooled_string(name(least))});
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

// The router: patterns to handlers, with middleware around them.
//
//     auto users = routes.group("/users");
//     users.use(rate_limit);                                   // before and after every route of the group
//     users.get("/{id}", [&](request& req) -> task<result<response>> { … });
//     routes.get("/healthz", [](request&) -> result<response> { … });   // needs no wait: a plain function
//
// Patterns are made of literal segments and parameters ("{id}", a whole segment). A literal wins over a parameter. A
// trailing slash is significant. HEAD follows GET by itself; OPTIONS and 405 with Allow come from what is registered.
// Registering an ambiguous or malformed pattern, or a route twice, throws std::invalid_argument: it is a programming error
// seen at start.
//
// After freeze() (the server calls it) the tree is compiled and read-only; a look-up allocates nothing. Thread: each shard
// has a router of its own, since handlers refer to the shard's parts.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/http/request.hpp>
#include <sluice/http/response.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice
{

using http::request;
using http::response;

// What a route may set for itself; what is not set is the server's.
struct route_options
{
    std::optional<std::uint64_t> body_bytes = {};      // 413 above
    std::optional<duration> request_timeout = {};      // 504 after
    bool stream_body = false;                          // the handler reads request::stream()
};

using plain_handler = std::function<result<response>(request&)>;
using coroutine_handler = std::function<task<result<response>>(request&)>;

// Middleware. `before` may answer in the handler's place: by failing, or with a response. `after` sees every answer of the
// route, the early ones too, and may add to it. Both run in the order of registration outside-in and inside-out. One
// object serves all requests of a shard.
class middleware
{
public:
    virtual ~middleware() = default;
    // Named in `sluice routes`.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    // Return nothing to go on.
    [[nodiscard]] virtual std::optional<result<response>> before(request&) { return std::nullopt; }
    virtual void after(request&, response&) {}
};

// The same where `before` has to wait (a look-up in Redis): a route with one of these runs as a coroutine.
class waiting_middleware : public middleware
{
public:
    [[nodiscard]] virtual task<std::optional<result<response>>> before_waiting(request&) = 0;
};

class router; // to come: group(), use(), get() … del(), freeze(), find()

} // namespace sluice

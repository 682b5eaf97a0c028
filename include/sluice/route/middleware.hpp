// Middleware: what runs around the handlers of a route, of a group or of every route.
//
//        head complete                   body complete
//     outer before → inner before  ···→  handler → inner after → outer after → client
//                 └ answers: its own after and those outside it ┘
//
// `before` runs once the head is complete and sees no body: a rate limiter refuses a request ahead of its upload. It
// may answer in the handler's place, by failing or with a response. `after` sees every answer that passes it, the early
// ones and the server's own (a body that is too large, a deadline) too, and may add to it.
//
// One object serves all requests of a shard and is owned by whoever made it (shard::own); it must outlive the router.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/http/request.hpp>
#include <sluice/http/response.hpp>

#include <optional>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

using http::request;
using http::response;

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

// The same where `before` may have to wait (a look-up in Redis). at_once() is asked in its place, and where it cannot
// say, before_waiting(): the request goes on as a coroutine from there.
class waiting_middleware : public middleware
{
public:
    using said = std::optional<result<response>>; // as before() says it
    // Nothing: it has to wait. What it says counts; it is not asked again.
    [[nodiscard]] virtual std::optional<said> at_once(request&) { return std::nullopt; }
    [[nodiscard]] virtual task<std::optional<result<response>>> before_waiting(request&) = 0;
};

} // namespace sluice

#pragma GCC visibility pop

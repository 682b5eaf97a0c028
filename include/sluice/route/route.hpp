// A route: one method of one pattern, its handler and the middleware around it.
//
// The driver of a connection (server::session) finds it by router::find(), goes with admit_at_once() as far through its
// middleware as there is no waiting, and asks handle_at_once() for the answer; where either has to wait, it goes on
// from there, in one step or two:
//
//     no body follows the head     answer_waiting()
//     a body follows               admit_waiting() when the head is complete: an answer here ends it, ahead of the
//     body;
//                                  handle_waiting() once the body is here (or streams)
//     the driver answers itself    finish() lets the middleware see that answer (413, 504), once all of it let the
//                                  request pass
//
// None of them throws or fails: errors become problem documents here (http/problem.hpp), and so does an exception,
// which the client sees as a bare 500 and router::on_exception() tells the log.
//
// Owned by its router; read-only after freeze(). Thread: its router's shard.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/http/method.hpp>
#include <sluice/route/middleware.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

// What a route may set for itself; what is not set is the server's.
struct route_options
{
    std::optional<std::uint64_t> body_bytes = {}; // 413 above
    std::optional<duration> request_timeout = {}; // 504 after
    bool stream_body = false;                     // the handler reads request::stream()
};

// A handler is any callable that takes a request& and gives one of these.
template <class F>
concept plain_callable = requires(F& f, request& r) {
    { f(r) } -> std::same_as<response>;
} || requires(F& f, request& r) {
    { f(r) } -> std::same_as<result<response>>;
};
template <class F>
concept coroutine_callable = requires(F& f, request& r) {
    { f(r) } -> std::same_as<task<result<response>>>;
};
template <class F>
concept handler_callable = plain_callable<std::remove_cvref_t<F>> || coroutine_callable<std::remove_cvref_t<F>>;

using plain_handler = std::move_only_function<response(request&)>;
using coroutine_handler = std::move_only_function<task<result<response>>(request&)>;
// Nothing: it would have to wait.
using at_once_handler = std::move_only_function<std::optional<result<response>>(request&)>;

// How far a request has come through a route's middleware without waiting.
struct admission
{
    std::optional<http::response> early = {}; // ends it
    std::size_t passed = 0;                   // of the middleware
    bool complete = false;                    // all of it: the handler is next
};

class route
{
public:
    [[nodiscard]] http::method method() const noexcept { return method_; }
    [[nodiscard]] std::string_view pattern() const noexcept { return pattern_; }
    [[nodiscard]] const route_options& options() const noexcept { return options_; }
    // Outside-in; complete once the router is frozen.
    [[nodiscard]] std::vector<std::string_view> middleware_names() const;

    // Inside all that the router and the groups bring. Before freeze().
    route& use(middleware& around);
    // Of a handler that is a coroutine: tried first, since most requests need no wait (what they ask for is in memory).
    // It answers as the handler would, without its costs, or gives nothing and has done nothing.
    route& at_once(at_once_handler tried_first) noexcept
    {
        at_once_ = std::move(tried_first);
        return *this;
    }

    [[nodiscard]] admission admit_at_once(request& asked) const;
    // Once the middleware has let it pass; nothing: handle_waiting() is next.
    [[nodiscard]] std::optional<response> handle_at_once(request& asked) const;
    void finish(request& asked, response& answer) const;
    // What wrote a streamed answer has thrown; its head has gone, so only router::on_exception() hears of it.
    void stream_failed(const request& asked, std::exception_ptr why) const;

    [[nodiscard]] task<response> answer_waiting(request& asked, std::size_t passed = 0) const;
    [[nodiscard]] task<std::optional<response>> admit_waiting(request& asked, std::size_t passed = 0) const;
    [[nodiscard]] task<response> handle_waiting(request& asked) const;

    route(const route&) = delete;
    route& operator=(const route&) = delete;

private:
    friend class router;
    friend class route_group;
    struct link
    {
        middleware* around;
        waiting_middleware* waiting; // the same object, if it is one
    };

    template <handler_callable F>
    route(const class router& owner, http::method method, std::string pattern, F&& handler, route_options options)
        : owner_(owner), method_(method), pattern_(std::move(pattern)), options_(options)
    {
        using callable = std::remove_cvref_t<F>;
        if constexpr (coroutine_callable<callable>)
            coroutine_ = std::forward<F>(handler);
        else if constexpr (std::same_as<std::invoke_result_t<callable&, request&>, response>)
            plain_handler_ = std::forward<F>(handler);
        else
            plain_handler_ = [f = std::forward<F>(handler)](request& asked) mutable -> response {
                result<response> made = f(asked);
                if (made) [[likely]]
                    return *std::move(made);
                return problem(made.error(), asked);
            };
    }

    [[nodiscard]] static response problem(const error& why, const request& asked);
    [[nodiscard]] response failed(const request& asked, std::exception_ptr why) const;
    [[nodiscard]] response settle(result<response>&& made, const request& asked) const;
    [[nodiscard]] response call(request& asked) const;
    [[nodiscard]] response handle(request& asked) const;
    void run_after(request& asked, response& answer, std::size_t passed) const;
    void enclose(const std::vector<middleware*>& outer);

    const class router& owner_;
    http::method method_;
    std::string pattern_;
    std::string shape_; // as the tree compares it: src/route/pattern.hpp
    route_options options_;
    std::size_t group_ = 0;
    // One of the two; callables may change their own state.
    mutable plain_handler plain_handler_;
    mutable coroutine_handler coroutine_;
    mutable at_once_handler at_once_;
    std::vector<link> chain_;
    std::vector<std::string_view> parameters_; // names, in pattern_
};

} // namespace sluice

#pragma GCC visibility pop

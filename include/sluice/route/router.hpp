// The router: patterns to handlers, with middleware around them.
//
//     auto users = routes.group("/users");
//     users.use(rate_limit);                                   // before and after every route of the group
//     users.get("/{id}", [&](request& req) -> task<result<response>> { … });
//     routes.get("/healthz", [](request&) -> result<response> { … });   // needs no wait: a plain function
//
// Patterns are made of literal segments and parameters ("{id}", a whole segment that is not empty). A trailing slash is
// significant. The path alone selects the resource, a literal segment before a parameter, and going back where a
// literal leads nowhere: with /users/me and /users/{id}/posts, the path /users/me/posts is the second, and a method
// that /users/me lacks is 405 whatever /users/{id} has. Percent-encoding of unreserved characters makes no difference,
// and an encoded slash never ends a segment.
//
// HEAD follows GET by itself; OPTIONS (and `OPTIONS *`), 404 and 405 with Allow are answered by routes that the router
// makes, with the router's own middleware around them, so that whoever drives it has one path.
//
// use() holds for a whole router or group, also for what was registered before it. Registering a malformed pattern, or
// a route twice (two patterns that differ only in their parameters' names are one), throws std::invalid_argument: it is
// a programming error, seen at start.
//
// After freeze() (the server calls it) the tree is compiled and read-only; a look-up allocates nothing. Thread: each
// shard has a router of its own, since handlers refer to the shard's parts.
#pragma once

#include <sluice/route/route.hpp>

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

class router;

// Registration under a prefix. A light handle: copy it, let it go; the router keeps what it registered.
class route_group
{
public:
    // The prefix begins with "/" and does not end with one, or is empty; a pattern in the group likewise, or is the
    // group's own path: "".
    [[nodiscard]] route_group group(std::string_view prefix);
    void use(middleware& around);

    template <handler_callable F> route& get(std::string_view pattern, F&& handler, route_options options = {})
    {
        return add(http::method::get, pattern, std::forward<F>(handler), options);
    }
    template <handler_callable F> route& post(std::string_view pattern, F&& handler, route_options options = {})
    {
        return add(http::method::post, pattern, std::forward<F>(handler), options);
    }
    template <handler_callable F> route& put(std::string_view pattern, F&& handler, route_options options = {})
    {
        return add(http::method::put, pattern, std::forward<F>(handler), options);
    }
    template <handler_callable F> route& patch(std::string_view pattern, F&& handler, route_options options = {})
    {
        return add(http::method::patch, pattern, std::forward<F>(handler), options);
    }
    template <handler_callable F> route& del(std::string_view pattern, F&& handler, route_options options = {})
    {
        return add(http::method::delete_, pattern, std::forward<F>(handler), options);
    }
    template <handler_callable F> route& options(std::string_view pattern, F&& handler, route_options options = {})
    {
        return add(http::method::options, pattern, std::forward<F>(handler), options);
    }

private:
    friend class router;
    route_group(router& routes, std::size_t index) noexcept : router_(&routes), index_(index) {}
    template <class F> route& add(http::method method, std::string_view pattern, F&& handler, route_options options);

    router* router_;
    std::size_t index_;
};

struct route_match
{
    const route* found; // never null: what is not there is answered by a route, too
};

class router : public route_group // the group of everything, with an empty prefix
{
public:
    router();
    ~router();
    router(const router&) = delete;
    router& operator=(const router&) = delete;

    // Told of each exception that leaves a handler or middleware; the client sees a bare 500. It must not throw.
    using exception_hook = std::function<void(const request&, std::exception_ptr)>;
    void on_exception(exception_hook tell) { on_exception_ = std::move(tell); }

    // Once, after the last registration.
    void freeze();
    // Fills the request's path parameters and route().
    [[nodiscard]] route_match find(request& asked) const;

    // Everything that was registered, by pattern and method: what `sluice routes` prints.
    [[nodiscard]] std::vector<const route*> list() const;

private:
    friend class route_group;
    friend class route;
    struct group_entry;
    struct endpoint;
    struct table; // the compiled form
    using parameter_values = std::array<std::string_view, http::path_parameters_max>;

    [[nodiscard]] std::string full_pattern(std::size_t group, std::string_view pattern) const;
    [[nodiscard]] std::size_t add_group(std::size_t parent, std::string_view prefix);
    void use_in(std::size_t group, middleware& around);
    route& keep(std::size_t group, std::unique_ptr<route> added);
    [[nodiscard]] std::vector<middleware*> chain_of(std::size_t group) const;
    const route& make_answer(std::string_view pattern, plain_handler answer);
    void complete(endpoint& at, std::string_view pattern);
    [[nodiscard]] const route& find_in_tree(request& asked) const;
    [[nodiscard]] std::uint32_t find_encoded(std::string_view path, parameter_values& values) const;

    std::vector<group_entry> groups_;
    std::vector<std::unique_ptr<route>> routes_;
    std::unique_ptr<table> table_;
    exception_hook on_exception_;
};

template <class F>
route& route_group::add(http::method method, std::string_view pattern, F&& handler, route_options options)
{
    std::unique_ptr<route> added(
        new route(*router_, method, router_->full_pattern(index_, pattern), std::forward<F>(handler), options));
    return router_->keep(index_, std::move(added));
}

} // namespace sluice

#pragma GCC visibility pop

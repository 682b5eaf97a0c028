#include "route/literals.hpp"
#include "route/pattern.hpp"
#include "route/tree.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/http/problem.hpp>
#include <sluice/http/request_parts.hpp>
#include <sluice/route/router.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace sluice {

using route_detail::normalise;
using route_detail::parse_pattern;
using route_detail::tree;

struct router::group_entry
{
    std::size_t parent;
    std::string prefix; // whole
    std::vector<middleware*> chain;
};

namespace {

constexpr std::size_t index(http::method m) noexcept { return static_cast<std::size_t>(m); }

// OPTIONS is always there: the router answers it.
std::string allowed_methods(const std::array<const route*, http::method_count>& routes)
{
    std::string list;
    for (std::size_t i = 0; i < http::method_count; ++i) {
        if (routes[i] == nullptr && i != index(http::method::options)) continue;
        if (!list.empty()) list += ", ";
        list += http::name(static_cast<http::method>(i));
    }
    return list;
}

// A parameter's value lies in the normal form of the path; give the segment of the path itself.
std::string_view as_sent(std::string_view value, std::string_view normal, std::string_view path)
{
    const std::string_view before = normal.substr(0, static_cast<std::size_t>(value.data() - normal.data()));
    auto slashes = std::ranges::count(before, '/');
    std::size_t begin = 0;
    while (slashes-- > 0) begin = path.find('/', begin) + 1;
    return path.substr(begin, path.find('/', begin) - begin);
}

} // namespace

// Which route answers each method of a resource; complete() leaves none without one.
struct router::endpoint
{
    std::array<const route*, http::method_count> by_method{};
    std::size_t parameters = 0;
};

struct router::table
{
    route_detail::literal_table literals;
    route_detail::tree tree;
    std::vector<endpoint> endpoints;
    std::vector<std::unique_ptr<route>> made; // the router's own answers
    const route* not_found = nullptr;
    const route* server_options = nullptr; // OPTIONS *
};

router::router() : route_group(*this, 0) { groups_.push_back({.parent = 0, .prefix = {}, .chain = {}}); }
router::~router() = default;

route_group route_group::group(std::string_view prefix) { return {*router_, router_->add_group(index_, prefix)}; }
void route_group::use(middleware& around) { router_->use_in(index_, around); }

std::size_t router::add_group(std::size_t parent, std::string_view prefix)
{
    route_detail::check_prefix(prefix);
    groups_.push_back({.parent = parent, .prefix = groups_[parent].prefix + std::string(prefix), .chain = {}});
    return groups_.size() - 1;
}

void router::use_in(std::size_t group, middleware& around)
{
    SLUICE_ASSERT(table_ == nullptr);
    groups_[group].chain.push_back(&around);
}

std::string router::full_pattern(std::size_t group, std::string_view pattern) const
{
    return groups_[group].prefix + std::string(pattern);
}

route& router::keep(std::size_t group, std::unique_ptr<route> added)
{
    SLUICE_ASSERT(table_ == nullptr);
    added->group_ = group;
    route_detail::pattern parsed = parse_pattern(added->pattern_);
    added->shape_ = std::move(parsed.shape);
    added->parameters_ = std::move(parsed.names);
    const auto same = [&](const auto& other) {
        return other->method_ == added->method_ && other->shape_ == added->shape_;
    };
    if (const auto twin = std::ranges::find_if(routes_, same); twin != routes_.end())
        throw std::invalid_argument("route " + std::string(http::name(added->method_)) + " '" + added->pattern_ +
                                    "' is registered already, as '" + (*twin)->pattern_ + "'");
    routes_.push_back(std::move(added));
    return *routes_.back();
}

std::vector<const route*> router::list() const
{
    std::vector<const route*> all;
    all.reserve(routes_.size());
    for (const auto& one : routes_) all.push_back(one.get());
    std::ranges::sort(all, {}, [](const route* one) { return std::pair(one->pattern(), one->method()); });
    return all;
}

void router::freeze()
{
    SLUICE_ASSERT(table_ == nullptr);
    table_ = std::make_unique<table>();
    for (const auto& one : routes_) one->enclose(chain_of(one->group_));

    std::vector<const route*> by_shape;
    by_shape.reserve(routes_.size());
    for (const auto& one : routes_) by_shape.push_back(one.get());
    std::ranges::sort(by_shape, {}, &route::shape_);

    std::vector<std::string> shapes;
    std::vector<std::string_view> pattern_of; // each shape's, as it was written first
    endpoint everywhere;
    for (const route* one : by_shape) {
        if (shapes.empty() || shapes.back() != one->shape_) {
            shapes.push_back(one->shape_);
            pattern_of.push_back(one->pattern());
            table_->endpoints.push_back({.by_method = {}, .parameters = one->parameters_.size()});
        }
        table_->endpoints.back().by_method[index(one->method_)] = one;
        everywhere.by_method[index(one->method_)] = one;
    }
    table_->tree.compile(shapes);
    table_->literals.reserve(shapes.size());
    for (std::uint32_t i = 0; i < shapes.size(); ++i)
        if (table_->endpoints[i].parameters == 0) table_->literals.add(shapes[i], i);
    for (std::size_t i = 0; i < shapes.size(); ++i) complete(table_->endpoints[i], pattern_of[i]);
    complete(everywhere, "*");
    table_->server_options = everywhere.by_method[index(http::method::options)];
    table_->not_found = &make_answer(
        {}, [](request& asked) { return http::problem(http::status::not_found, "Nothing is here", &asked.context()); });
}

std::vector<middleware*> router::chain_of(std::size_t group) const
{
    std::vector<middleware*> chain = groups_[group].chain;
    while (group != 0) {
        group = groups_[group].parent;
        chain.insert(chain.begin(), groups_[group].chain.begin(), groups_[group].chain.end());
    }
    return chain;
}

const route& router::make_answer(std::string_view pattern, plain_handler answer)
{
    std::unique_ptr<route> made(new route(*this, http::method::options, std::string(pattern), std::move(answer), {}));
    made->enclose(groups_.front().chain);
    return *table_->made.emplace_back(std::move(made));
}

// HEAD follows GET; OPTIONS and every method that is missing get the router's answers.
void router::complete(endpoint& at, std::string_view pattern)
{
    auto& routes = at.by_method;
    if (routes[index(http::method::head)] == nullptr)
        routes[index(http::method::head)] = routes[index(http::method::get)];

    std::string allow = allowed_methods(routes);
    if (routes[index(http::method::options)] == nullptr)
        routes[index(http::method::options)] = &make_answer(
            pattern, [allow](request&) { return response(http::status::no_content).header("Allow", allow); });
    const route& refusal = make_answer(pattern, [allow = std::move(allow)](request& asked) {
        response answer =
            http::problem(http::status::method_not_allowed, "The resource does not have this method", &asked.context());
        answer.header("Allow", allow);
        return answer;
    });
    std::ranges::replace(routes, nullptr, &refusal);
}

route_match router::find(request& asked) const
{
    SLUICE_ASSERT(table_ != nullptr);
    using parts = http::request::parts;
    parts::clear_path_parameters(asked);
    const std::uint32_t literal = table_->literals.find(asked.path());
    const route& found =
        literal != tree::none ? *table_->endpoints[literal].by_method[index(asked.method())] : find_in_tree(asked);
    parts::route(asked) = found.pattern_;
    return {&found};
}

const route& router::find_in_tree(request& asked) const
{
    const std::string_view path = asked.path();
    parameter_values values;
    const std::uint32_t at = path.contains('%') ? find_encoded(path, values) : table_->tree.match(path, values);
    if (at == tree::none) {
        const bool server = path == "*" && asked.method() == http::method::options;
        return server ? *table_->server_options : *table_->not_found;
    }
    const route& found = *table_->endpoints[at].by_method[index(asked.method())];
    for (std::size_t i = 0; i < found.parameters_.size(); ++i)
        http::request::parts::add_path_parameter(asked, found.parameters_[i], values[i]);
    return found;
}

// The slow way, for a path with an escape: match its normal form, and give the parameters as they were sent.
std::uint32_t router::find_encoded(std::string_view path, parameter_values& values) const
{
    pooled_string normal(path.size(), '\0');
    normal.resize(static_cast<std::size_t>(normalise(path, normal.data()) - normal.data()));
    const std::uint32_t at = table_->tree.match(normal, values);
    if (at == tree::none) return at;
    for (std::size_t i = 0; i < table_->endpoints[at].parameters; ++i) values[i] = as_sent(values[i], normal, path);
    return at;
}

} // namespace sluice

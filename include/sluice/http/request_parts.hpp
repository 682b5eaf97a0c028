// Access to every field of a request, for those who build one: the connection, the router, tests. Handlers do not need
// it.
#pragma once

#include <sluice/core/assert.hpp>
#include <sluice/http/request.hpp>

#include <span>

#pragma GCC visibility push(default)

namespace sluice::http {

struct request::parts
{
    [[nodiscard]] static http::method& method(request& r) noexcept { return r.method_; }
    [[nodiscard]] static std::uint8_t& version_minor(request& r) noexcept { return r.version_minor_; }
    [[nodiscard]] static std::string_view& target(request& r) noexcept { return r.target_; }
    [[nodiscard]] static std::string_view& path(request& r) noexcept { return r.path_; }
    [[nodiscard]] static std::string_view& query(request& r) noexcept { return r.query_; }
    [[nodiscard]] static std::string_view& host(request& r) noexcept { return r.host_; }
    [[nodiscard]] static std::string_view& body(request& r) noexcept { return r.body_; }
    [[nodiscard]] static std::string_view& client(request& r) noexcept { return r.client_; }
    [[nodiscard]] static std::string_view& route(request& r) noexcept { return r.route_; }
    [[nodiscard]] static http::headers& headers(request& r) noexcept { return r.headers_; }
    [[nodiscard]] static body_reader*& stream(request& r) noexcept { return r.stream_; }
    [[nodiscard]] static sluice::context*& context(request& r) noexcept { return r.context_; }
    [[nodiscard]] static const sluice::context* context(const request& r) noexcept { return r.context_; }

    [[nodiscard]] static std::span<path_parameter> path_parameters(request& r) noexcept
    {
        return {r.parameters_.data(), r.parameter_count_};
    }
    static void add_path_parameter(request& r, std::string_view name, std::string_view value) noexcept
    {
        SLUICE_ASSERT(r.parameter_count_ < path_parameters_max);
        r.parameters_[r.parameter_count_++] = {name, value};
    }
    static void clear_path_parameters(request& r) noexcept { r.parameter_count_ = 0; }
};

} // namespace sluice::http

#pragma GCC visibility pop

// A request, as a handler sees it.
//
// Who owns it: the connection (or the test that built it, see http/test_request.hpp); it lives until its response has
// been handed over. What its views refer to: for a plain handler the receive buffer, for a coroutine handler a copy
// that the connection keeps until the answer; both end with the request. Thread: its connection's shard.
//
// It has been checked already: the target is in a valid form and within limits, the percent-encoding is well-formed,
// Host is there exactly once where the version demands it, the framing of the body is unambiguous.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/http/body_stream.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/http/method.hpp>
#include <sluice/http/value.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

// What the router found in the path: names are the pattern's, values are as they were sent (percent-encoded).
struct path_parameter
{
    std::string_view name;
    std::string_view value;
};
inline constexpr std::size_t path_parameters_max = 8;

class request
{
public:
    // --- What the client said.
    [[nodiscard]] http::method method() const noexcept { return method_; }
    [[nodiscard]] int version_minor() const noexcept { return version_minor_; } // HTTP/1.x
    [[nodiscard]] std::string_view target() const noexcept { return target_; }  // as it was sent
    [[nodiscard]] std::string_view path() const noexcept
    {
        return path_;
    } // as sent, without the query; "*" for OPTIONS *
    [[nodiscard]] std::string_view query() const noexcept { return query_; } // as sent, without "?"
    [[nodiscard]] std::string_view host() const noexcept { return host_; }   // of the target, or else of the field
    [[nodiscard]] const http::headers& headers() const noexcept { return headers_; }
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept
    {
        return headers_.find(name);
    }
    // The whole body; empty on a route that reads it as a stream.
    [[nodiscard]] std::string_view body() const noexcept { return body_; }
    // The body as a stream, on a route that asked for it.
    [[nodiscard]] body_reader& stream() const noexcept { return *stream_; }

    // --- Typed access. T: std::string, an integer, bool, uuid, or any type with a from_text (http/value.hpp).
    // A path parameter; errc::not_found if it is not a T (no such thing can exist).
    template <class T> [[nodiscard]] result<T> path(std::string_view name) const;
    // A query parameter, decoded; nothing if it is absent; errc::malformed if it is there twice or not a T.
    template <class T> [[nodiscard]] result<std::optional<T>> query(std::string_view name) const;

    // --- Whose request it is.
    [[nodiscard]] sluice::context& context() const noexcept { return *context_; }
    // The client's address as text ("192.0.2.1", "2001:db8::1", "unix"), without a port: the peer's, or the one that a
    // trusted proxy names (http/forwarded.hpp).
    [[nodiscard]] std::string_view client() const noexcept { return client_; }
    // For middleware, from its before() to its after(): empty when the request begins.
    [[nodiscard]] pooled_string& notes() noexcept { return notes_; }
    // The pattern that matched ("/users/{id}"); empty before routing.
    [[nodiscard]] std::string_view route() const noexcept { return route_; }

    // --- For those who build requests (connection, router, tests).
    struct parts; // access to every field: http/request_parts.hpp
    friend struct parts;

private:
    [[nodiscard]] std::optional<std::string_view> raw_path_parameter(std::string_view name) const noexcept;
    // Finds and decodes a query parameter into `decoded`: 0, 1 or "more than 1" of that name.
    [[nodiscard]] unsigned find_query(std::string_view name, pooled_string& decoded) const;

    http::method method_ = method::get;
    std::uint8_t version_minor_ = 1;
    std::uint8_t parameter_count_ = 0;
    std::string_view target_, path_, query_, host_, body_, client_, route_;
    http::headers headers_;
    pooled_string notes_;
    std::array<path_parameter, path_parameters_max> parameters_;
    body_reader* stream_ = nullptr;
    sluice::context* context_ = nullptr;
};

template <class T> result<T> request::path(std::string_view name) const
{
    auto raw = raw_path_parameter(name);
    if (raw && !raw->contains('%')) { // the usual one: read where it lies
        if (std::optional<T> value = from_text<T>(*raw)) return *std::move(value);
    } else if (raw) {
        pooled_string decoded;
        if (percent_decode(*raw, decoded)) {
            if (std::optional<T> value = from_text<T>(decoded)) return *std::move(value);
        }
    }
    return fail(errc::not_found, "Not found");
}

template <class T> result<std::optional<T>> request::query(std::string_view name) const
{
    pooled_string decoded;
    const unsigned found = find_query(name, decoded);
    if (found == 0) return std::optional<T>();
    if (found == 1) {
        if (std::optional<T> value = from_text<T>(decoded)) return value;
    }
    return fail(errc::malformed, "The query parameter '" + std::string(name) + "' is not valid");
}

} // namespace sluice::http

#pragma GCC visibility pop

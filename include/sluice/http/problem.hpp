// The one place where an error becomes a response: problem documents (RFC 9457), application/problem+json.
//
//     {"type":"about:blank","title":"Not Found","status":404,"detail":"User … not found","trace_id":"…32 hex digits…"}
//
// `errors`, a list of {"pointer","detail"}, stands in those of errc::invalid. Retry-After stands in every 429, and in a
// 503 that trying again can help. What an error's detail says is shown: see core/error.hpp for what it must not hold.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/core/error.hpp>
#include <sluice/http/response.hpp>
#include <sluice/http/status.hpp>

#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

[[nodiscard]] status status_of(errc code) noexcept;

// `of` is the request's context, for its trace id; without one the member is left out.
[[nodiscard]] response problem(const error& failure, const context* of);
// For what has no error behind it: refusals of the protocol, a method or a path that is not there. An empty detail is
// left out.
[[nodiscard]] response problem(status code, std::string_view detail, const context* of);

} // namespace sluice::http

#pragma GCC visibility pop

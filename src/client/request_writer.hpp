// The bytes of a call's request. Whatever is not a valid field is refused, so nothing in a call can end a line.
#pragma once

#include "client/url.hpp"

#include <sluice/client/client.hpp>
#include <sluice/core/buffer.hpp>
#include <sluice/core/context.hpp>

#include <string_view>

namespace sluice::http {

// What is wrong with the call's own fields, or nothing.
[[nodiscard]] result<void> check_fields(const call& what);

// Head and body, at the end of `out`. `trace`: the call's own span, or null.
void write_request(const call& what, const url& to, std::string_view user_agent, const trace_context* trace,
                   std::string_view trace_state, buffer& out);

} // namespace sluice::http

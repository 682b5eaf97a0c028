// Whose request a proxy has passed on: what `Forwarded` (RFC 7239) and `X-Forwarded-For` say, as far as it can be
// believed.
//
// Each proxy adds the address that it was called from at the right. So the list is read from the right, over those who
// are trusted, to the first who is not: that one called a trusted proxy itself, and whatever stands to its left is only
// its word. What is no address (`unknown`, a name, anything unreadable) ends the way there, and the last trusted one
// before it counts as the client.
//
// Where both fields are there and say different things, neither is believed: a proxy that writes the one passes the
// other on as its client sent it. Thread: any; no state.
#pragma once

#include <sluice/http/headers.hpp>
#include <sluice/http/ip.hpp>

#include <optional>

#pragma GCC visibility push(default)

namespace sluice::http {

// Nothing: the peer itself. Only for a request whose peer is trusted.
[[nodiscard]] std::optional<ip> forwarded_client(const headers& fields, const trusted_peers& trusted);

} // namespace sluice::http

#pragma GCC visibility pop

// Errors as values: what every fallible function of Sluice returns.
//
// An error says what failed, in which dependency, and whether trying again can help. It knows no HTTP status; the
// problem document is made in one place (sluice/http/problem.hpp). `detail` may be shown to a client, so it never holds
// SQL, a path, an address or a secret. Values: free to copy and to pass between shards.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

enum class errc : std::uint8_t
{
    malformed, // the input cannot be parsed
    invalid,   // it can be parsed and breaks rules: see error::violations
    not_found,
    conflict,
    precondition_failed,
    unsupported_media_type,
    too_large,
    too_many_requests,
    unavailable,     // a dependency is away: trying later can help
    overloaded,      // it is there, and too much waits for it already
    outcome_unknown, // a write was sent and its answer never came: it may or may not have happened
    timeout,         // the deadline passed
    too_slow,        // the client did not send in time
    cancelled,       // nobody waits for the answer any more
    internal,        // a fault of ours
};

// The name of an error code, as it stands in logs ("not_found").
[[nodiscard]] std::string_view name(errc code) noexcept;

// One broken rule: the JSON pointer (RFC 6901) of the offending member, and what is wrong with it.
struct violation
{
    std::string pointer;
    std::string detail;
    friend bool operator==(const violation&, const violation&) = default;
};

struct error
{
    errc code = errc::internal;
    std::string detail = {};                  // a sentence for the client, without a full stop
    std::vector<violation> violations = {};   // for errc::invalid
    std::string_view dependency = {};         // a literal: "sqlite", "postgres", "redis"; empty for our own
    std::chrono::milliseconds retry_after{0}; // for unavailable, overloaded and too_many_requests; 0: not said
    std::string constraint = {};              // for conflict: the database's name for the rule, never shown

    // Can the same call succeed if it is made again later?
    [[nodiscard]] bool retryable() const noexcept
    {
        return code == errc::unavailable || code == errc::overloaded || code == errc::too_many_requests ||
               code == errc::timeout;
    }
};

template <class T = void> using result = std::expected<T, error>;

// `return fail(errc::not_found, "User … not found");`
[[nodiscard]] inline std::unexpected<error> fail(error e) { return std::unexpected<error>(std::move(e)); }
[[nodiscard]] inline std::unexpected<error> fail(errc code, std::string detail = {})
{
    return std::unexpected<error>(error{.code = code, .detail = std::move(detail)});
}

} // namespace sluice

#pragma GCC visibility pop

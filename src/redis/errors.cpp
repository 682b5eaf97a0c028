#include "redis/errors.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

namespace sluice::redis {

namespace {

// The first words of failures that pass by themselves, or once an operator has helped.
constexpr std::array<std::string_view, 9> passing = {"LOADING",  "BUSY",       "OOM",        "READONLY", "MISCONF",
                                                     "TRYAGAIN", "MASTERDOWN", "NOREPLICAS", "NOAUTH"};

std::string_view first_word(const reply& failure) noexcept
{
    const std::string_view text = failure.text;
    return text.substr(0, text.find(' '));
}

error make(errc code, std::string detail) { return {.code = code, .detail = std::move(detail), .dependency = "redis"}; }

} // namespace

error error_of(const reply& failure)
{
    if (!fault_in(failure)) return unavailable("Redis cannot do that now");
    return make(errc::internal, "Redis refused a command");
}

std::optional<std::string_view> fault_in(const reply& failure) noexcept
{
    const std::string_view word = first_word(failure);
    if (std::ranges::find(passing, word) != passing.end()) return std::nullopt;
    return word;
}

bool no_script(const reply& r) noexcept { return r.is == reply::kind::failure && first_word(r) == "NOSCRIPT"; }

bool only_reads(const reply& r) noexcept { return r.is == reply::kind::failure && first_word(r) == "READONLY"; }

error unavailable(std::string detail)
{
    error made = make(errc::unavailable, std::move(detail));
    made.retry_after = std::chrono::seconds(1);
    return made;
}

error overloaded()
{
    error made = make(errc::overloaded, "Too much waits for Redis already");
    made.retry_after = std::chrono::seconds(1);
    return made;
}

error command_too_large() { return make(errc::too_large, "The command is too large"); }

error lost(effect does)
{
    if (does == effect::reads) return unavailable("Redis went away");
    error made = make(errc::outcome_unknown, "Redis went away; the change may or may not have been made");
    made.retry_after = std::chrono::seconds(1);
    return made;
}

error too_late(effect does, bool sent)
{
    return make(errc::timeout, sent && does == effect::writes
                                   ? "Redis did not answer in time; the change may still be made"
                                   : "Redis did not answer in time");
}

} // namespace sluice::redis

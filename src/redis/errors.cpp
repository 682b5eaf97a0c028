#include "redis/errors.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

namespace sluice::redis {

namespace {

// Failures that pass by themselves, or once an operator has helped: their first words, and what they mean.
struct passing_failure
{
    std::string_view word;
    const char* detail;
};
constexpr std::array<passing_failure, 9> passing = {{
    {"LOADING", "Redis cannot do that now: it is loading its data"},
    {"BUSY", "Redis cannot do that now: a script runs for long"},
    {"OOM", "Redis cannot do that now: it is out of memory"},
    {"READONLY", "Redis cannot do that now: it is a replica, which only reads"},
    {"MISCONF", "Redis cannot do that now: it cannot save what it holds"},
    {"TRYAGAIN", "Redis cannot do that now"},
    {"MASTERDOWN", "Redis cannot do that now: it is a replica whose primary is away"},
    {"NOREPLICAS", "Redis cannot do that now: it has too few replicas"},
    {"NOAUTH", "Redis cannot do that now: it wants a password"},
}};

constexpr std::size_t words_max = 200;

std::string_view first_word(const reply& failure) noexcept
{
    const std::string_view text = failure.text;
    return text.substr(0, text.find(' '));
}

error make(errc code, std::string detail) { return {.code = code, .detail = std::move(detail), .dependency = "redis"}; }

} // namespace

error error_of(const reply& failure)
{
    const auto* const found = std::ranges::find(passing, first_word(failure), &passing_failure::word);
    if (found != passing.end()) return unavailable(found->detail);
    return make(errc::internal, "Redis refused a command");
}

fault fault_in(const reply& failure) noexcept
{
    const std::string_view word = first_word(failure);
    const bool passes = std::ranges::find(passing, word, &passing_failure::word) != passing.end();
    return {.word = word, .passes = passes};
}

std::string_view words_of(const reply& failure) noexcept
{
    const std::string_view text = failure.text;
    return text.substr(0, std::min({text.size(), words_max, text.find(", with args beginning with")}));
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

#include <sluice/core/stage_timer.hpp>
#include <sluice/http/problem.hpp>
#include <sluice/middleware/rate_limiting.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace sluice {

namespace {

using number_text = std::array<char, 20>;

std::string_view digits(std::uint64_t number, number_text& to)
{
    return {to.data(), std::to_chars(to.begin(), to.end(), number).ptr};
}

// Whole seconds, rounded up so that nobody comes too early.
std::uint64_t seconds_of(std::uint64_t microseconds)
{
    constexpr std::uint64_t second = 1'000'000;
    return (microseconds + second - 1) / second;
}

response refusal(const request& asked, http::status status, std::string_view detail, std::chrono::microseconds retry_in)
{
    response made = http::problem(status, detail, &asked.context());
    number_text text;
    const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(1, retry_in.count()));
    made.header("Retry-After", digits(seconds_of(micros), text));
    return made;
}

void note_standing(pooled_string& to, const limit::policy& p, const limit::decision& made)
{
    number_text text;
    for (std::size_t i = 0; i < std::min(made.quotas, p.quotas.size()); ++i) {
        to.append(to.empty() ? "\"" : ", \"");
        if (p.quotas.size() == 1)
            to.append(p.name);
        else
            to.append(limit::quota_name(p, i));
        to.append("\";r=").append(digits(made.standings[i].left, text));
        to.append(";t=").append(digits(seconds_of(made.standings[i].more_in), text));
    }
}

} // namespace

rate_limiting::rate_limiting(limit::limiter& by, rate_limiting_options options)
    : by_(by), options_(std::move(options)), name_(name_of(by.of().in_force(), options_))
{}

std::string rate_limiting::name_of(const limit::policy& p, const rate_limiting_options& options)
{
    std::string text = "rate limit (" + to_string(p);
    if (options.cost != 1) text += " at " + std::to_string(options.cost);
    return text + (options.header.empty() ? ")" : " by " + options.header + ")");
}

limit::client_key rate_limiting::key_of(const request& asked) const
{
    if (!options_.header.empty()) {
        if (const auto value = asked.header(options_.header)) return limit::client_key::of_text(*value);
    }
    return limit::client_key::of_client(asked.client());
}

waiting_middleware::said rate_limiting::say(request& asked, const limit::decision& made) const
{
    note_standing(asked.notes(), by_.of().in_force(), made);
    switch (made.is) {
    case limit::outcome::passes:
        return std::nullopt;
    case limit::outcome::refused:
        return refusal(asked, http::status::too_many_requests, "There were too many requests", made.retry_in);
    case limit::outcome::unanswered:
        return refusal(asked, http::status::service_unavailable, "Requests cannot be counted now", made.retry_in);
    }
    return std::nullopt;
}

std::optional<waiting_middleware::said> rate_limiting::at_once(request& asked)
{
    const auto made = by_.decide_at_once(key_of(asked), cost_of(asked));
    if (!made) return std::nullopt;
    return say(asked, *made);
}

task<std::optional<result<response>>> rate_limiting::before_waiting(request& asked)
{
    const stage_timer limiting(stage::limit);
    const limit::decision made = co_await by_.decide(key_of(asked), cost_of(asked));
    co_return say(asked, made);
}

// Limits stand within limits: each names its policy, and how the client stands under all of them is one field, that the
// first who comes here has to add.
void rate_limiting::after(request& asked, response& answer)
{
    answer.header("RateLimit-Policy", by_.of().policy_field());
    if (asked.notes().empty()) return;
    answer.header("RateLimit", asked.notes());
    asked.notes().clear();
}

} // namespace sluice

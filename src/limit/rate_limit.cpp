#include "limit/limit_state.hpp"
#include "shard/back_off.hpp"

#include <sluice/core/log.hpp>
#include <sluice/core/units.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

namespace sluice::limit {

namespace {

std::string field_of(const policy& p)
{
    std::string text;
    for (std::size_t i = 0; i < p.quotas.size(); ++i) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(p.quotas[i].window).count();
        text += fmt::format("{}\"{}\";q={};w={}", i == 0 ? "" : ", ", quota_name(p, i), p.quotas[i].requests, seconds);
    }
    return text;
}

std::string_view words_of(on_failure what)
{
    switch (what) {
    case on_failure::local:
        return "local";
    case on_failure::open:
        return "open";
    case on_failure::closed:
        return "closed";
    }
    return "";
}

// Counts over other windows are none of this policy's, whoever has given both the same name: one key for the two would
// hold the counts of whoever wrote last. The limits are not in it, so that a change of them keeps what was counted.
std::string redis_names_of(const policy& p, const rules& by)
{
    std::array<micros, quotas_max> windows{};
    std::ranges::transform(by.all(), windows.begin(), &rule::window);
    const auto in_use = std::span(windows).first(by.size);
    std::ranges::sort(in_use);
    std::string names = "sluice:limit:" + p.name + ":";
    for (const micros one : in_use) names += sluice::to_string(std::chrono::microseconds(one)) + ":";
    return names;
}

bool lately(duration length, const std::atomic<std::int64_t>& since, time_point now)
{
    const std::int64_t began = since.load(std::memory_order_relaxed);
    return began != 0 && now.time_since_epoch().count() < began + length.count();
}

constexpr duration settles_in = 4 * back_off_max; // the wait, and the attempt after it on a busy machine

} // namespace

std::string quota_name(const policy& p, std::size_t index)
{
    return p.quotas.size() == 1 ? p.name : p.name + "-" + sluice::to_string(p.quotas[index].window);
}

prepared::prepared(policy p)
    : said(std::move(p)), by(said), field(field_of(said)), redis_names(redis_names_of(said, by))
{}

limit_state::limit_state(policy p, const rate_limit_options& options) : options_(options)
{
    for (unsigned i = 0; i < options.shards; ++i) {
        places_.push_back(std::unique_ptr<place>(new place{.counters = counter_table(options.keys / options.shards),
                                                           .memory = shard_memory(options.remembered)}));
    }
    if (auto changed = change(std::move(p)); !changed) throw std::invalid_argument(changed.error().detail);
}

result<void> limit_state::change(policy to)
{
    if (auto good = check(to); !good) return good;
    const std::scoped_lock one_at_a_time(changing_);
    policies_.push_back(std::make_unique<prepared>(std::move(to)));
    in_force_.store(policies_.back().get(), std::memory_order_release);
    return {};
}

void limit_state::begin_failing(const char* why, time_point now, outage_of what)
{
    const std::scoped_lock one_at_a_time(telling_);
    const bool first = !failing();
    if (first) outages_.fetch_add(1, std::memory_order_relaxed); // whoever sees that it fails knows which outage it is
    failing_.fetch_add(1, std::memory_order_acq_rel);
    if (!first) return;
    if (!told_.begins(now, what)) return;
    const policy& p = in_force().said;
    log(log_level::warn, "Redis does not answer: the rate limit goes on without it",
        {{"limit", p.name}, {"without_redis", words_of(p.without_redis)}, {"reason", why}});
}

void limit_state::decided_alone(time_point now) noexcept
{
    alone_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

bool limit_state::end_failing(time_point now, std::string_view run)
{
    decided_alone(now);
    ended_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    const std::scoped_lock one_at_a_time(telling_);
    if (run.empty()) runs_.fetch_add(1, std::memory_order_relaxed); // it may be another
    if (failing_.fetch_sub(1, std::memory_order_acq_rel) != 1) return true;
    const bool said = told_.ends(now);
    if (said) say_back();
    return said;
}

std::uint32_t limit_state::run_number(std::string_view run)
{
    const std::scoped_lock one_at_a_time(telling_);
    if (!run.empty() && run != run_) {
        run_ = run;
        runs_.fetch_add(1, std::memory_order_relaxed);
    }
    return runs();
}

void limit_state::say_settled(time_point now)
{
    const std::scoped_lock one_at_a_time(telling_);
    if (!failing() && told_.settles(now)) say_back();
}

void limit_state::say_back() const
{
    log(log_level::info, "Redis answers again: it decides about the rate limit", {{"limit", in_force().said.name}});
}

bool limit_state::settling(time_point now) const noexcept { return lately(settles_in, ended_at_, now); }

bool limit_state::home_counts(time_point now) const noexcept { return failing() || lately(settles_in, alone_at_, now); }

bool limit_state::recovering(time_point now, micros longest) const noexcept
{
    return lately(std::chrono::microseconds(longest), alone_at_, now);
}

rate_limit::rate_limit(policy p, rate_limit_options options)
    : state_(std::make_unique<limit_state>(std::move(p), options))
{}

rate_limit::~rate_limit() = default;

result<void> rate_limit::change(policy to) { return state_->change(std::move(to)); }

const policy& rate_limit::in_force() const noexcept { return state_->in_force().said; }

std::string_view rate_limit::policy_field() const noexcept { return state_->in_force().field; }

bool rate_limit::without_redis() const noexcept { return state_->failing(); }

result<void> rate_limit::ready() const
{
    if (!without_redis()) return {};
    return fail(error{.code = errc::unavailable,
                      .detail = "Redis does not decide about the rate limit",
                      .dependency = "redis",
                      .retry_after = std::chrono::seconds(1)});
}

} // namespace sluice::limit

// The rate limit of a route, of a group or of every route: counts a request for its client, and refuses it when the
// client is over the limit, with its head complete, ahead of its body and of everything inside.
//
//     auto& limited = s.own<rate_limiting>(limiter);                               // by the client's address
//     auto& keyed = s.own<rate_limiting>(limiter, rate_limiting_options{.header = "X-Api-Key", .cost = 5});
//     auto group = routes.group("/search");
//     group.use(keyed);
//
// Every answer, early ones too, carries RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10): `r`
// requests are left, and in `t` seconds some come back. A refusal is a 429 with Retry-After, or a 503 where nothing may
// pass while Redis does not answer.
//
// Routes that must never be refused, as health's, stay outside. Owned by a shard, like the limiter, which outlives it.
#pragma once

#include <sluice/limit/limiter.hpp>
#include <sluice/route/middleware.hpp>

#include <cstdint>
#include <string>

#pragma GCC visibility push(default)

namespace sluice {

struct rate_limiting_options
{
    std::string header = {}; // whose value names the client; empty, or where a request lacks it: the client's address
    std::uint32_t cost = 1;  // of a request
};

class rate_limiting : public waiting_middleware
{
public:
    explicit rate_limiting(limit::limiter& by, rate_limiting_options options = {});

    // "rate limit (100/1m)"
    [[nodiscard]] static std::string name_of(const limit::policy& p, const rate_limiting_options& options);
    [[nodiscard]] std::string_view name() const noexcept override { return name_; }
    [[nodiscard]] std::optional<said> at_once(request& asked) final;
    [[nodiscard]] task<std::optional<result<response>>> before_waiting(request& asked) final;
    void after(request& asked, response& answer) final;

protected:
    // For other ways to tell clients and requests apart.
    [[nodiscard]] virtual limit::client_key key_of(const request& asked) const;
    [[nodiscard]] virtual std::uint32_t cost_of(const request&) const { return options_.cost; }

private:
    [[nodiscard]] said say(request& asked, const limit::decision& made) const;

    limit::limiter& by_;
    rate_limiting_options options_;
    std::string name_;
};

} // namespace sluice

#pragma GCC visibility pop

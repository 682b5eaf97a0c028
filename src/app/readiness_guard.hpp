// Refuses requests until the database's schema is the one that the program knows. Of one shard: once it has seen that,
// it looks at nothing shared any more.
#pragma once

#include <sluice/route/middleware.hpp>

#include <atomic>
#include <chrono>

namespace sluice::app {

class readiness_guard final : public middleware
{
public:
    explicit readiness_guard(const std::atomic<bool>& ready) noexcept : ready_(ready) {}

    [[nodiscard]] std::string_view name() const noexcept override { return "readiness"; }
    [[nodiscard]] std::optional<result<response>> before(request&) override
    {
        if (const auto ready = check(); !ready) return fail(ready.error());
        return std::nullopt;
    }
    [[nodiscard]] result<void> check()
    {
        if (seen_) return {};
        seen_ = ready_.load(std::memory_order_acquire);
        if (seen_) return {};
        return fail(error{.code = errc::unavailable,
                          .detail = "The database is not ready",
                          .dependency = "postgres",
                          .retry_after = std::chrono::seconds(1)});
    }

private:
    const std::atomic<bool>& ready_;
    bool seen_ = false;
};

} // namespace sluice::app

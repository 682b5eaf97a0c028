// The counts of one key under all quotas of a policy, and the decision that is made from them: a state machine, the
// same one that the script runs in Redis.
//
// A decision can grant more than was asked for: a lease, which whoever asked may spend without asking until the
// sub-window of the decision ends. It is counted at once, as spent at that end, so it makes the sum no larger than the
// limit and the windows no wrong; what was not spent is given back with a later question.
//
// A value; times are microseconds of whoever keeps it.
#pragma once

#include "limit/sliding_window.hpp"

#include <sluice/limit/decision.hpp>
#include <sluice/limit/policy.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::limit {

// A policy's quotas as the arithmetic takes them.
struct rule
{
    std::uint32_t requests = 0;
    micros window = 0;
    friend bool operator==(const rule&, const rule&) = default;
};

struct rules
{
    explicit rules(const policy& p) noexcept;
    rules() noexcept = default;
    [[nodiscard]] std::span<const rule> all() const noexcept { return {list.data(), size}; }
    [[nodiscard]] micros longest() const noexcept;

    // The same windows: what was counted under one can go on under the other.
    [[nodiscard]] bool same_windows(const rules& other) const noexcept
    {
        return std::ranges::equal(all(), other.all(), {}, &rule::window, &rule::window);
    }

    std::array<rule, quotas_max> list = {};
    std::size_t size = 0;
};

// A count for each quota.
using spent_counts = std::array<std::uint32_t, quotas_max>;

struct question
{
    std::uint32_t cost = 1;
    std::uint32_t want = 0; // as a lease, beside the cost
    std::uint32_t back = 0; // of an earlier lease …
    micros back_at = 0;     // … that ended then: it was not spent
    // Of what was spent where the asker counts, whoever is asked has not heard of so many.
    std::uint32_t more = 0;
    // The asker knows of so many in each quota's window. Whoever is asked counts `more` as spent now, and no more than
    // these; and all that he lacks of them if he knows of none, or has to be told `anew` since he may have forgotten
    // some. To make up for it each time would not do: two whose sub-windows end at different times would give each
    // other again and again what has left the window.
    spent_counts least = {};
    bool anew = false;
    std::uint32_t run = 0; // of Redis, which itself has said all that the asker knows; 0: of none that is known
    bool counted = false;  // by Redis as well, so it need not hear of it
    bool lost = false;     // it was sent, and whether it arrived is not known
};

struct verdict
{
    bool unreadable = false; // what was kept were no counts, and counting began anew
    bool at_home = false;    // the key's home decided, and not Redis
    std::uint32_t run = 0;   // of Redis that decided, as the process numbers them; 0: not known
    bool passes = false;
    std::uint32_t came_back = 0; // of what was given back, what all windows had counted; the home's alone says so
    std::uint32_t lease = 0;
    micros lease_end = 0; // the time that question::back_at names
    micros lease_for = 0; // from the decision on
    micros passes_in = 0; // where it does not pass
    std::size_t size = 0; // quotas
    std::array<standing, quotas_max> standings = {};
};

// A lease is at most this share of a limit, and of what is left of it. So the leases that are out hold up little, and
// near the limit, or under a small one, every request is asked for.
inline constexpr std::uint32_t lease_share_of_limit = 64;
inline constexpr std::uint32_t lease_share_of_left = 8;

// The largest share of a limit that is spent, in 65536ths: what it would mean to forget it.
[[nodiscard]] std::uint32_t spent_share(const rules& by, const spent_counts& spent) noexcept;

// A view: the windows are a table's, one for each quota. Where a quota's window changes, they must be new ones.
class counter
{
public:
    explicit counter(std::span<sliding_window> windows) noexcept : windows_(windows) {}

    [[nodiscard]] verdict decide(const rules& by, const question& asked, micros now) noexcept;
    // Nothing that is left in it can matter after that time.
    [[nodiscard]] micros empty_at(const rules& by) const noexcept;
    // Counted in each window, and no more than the type holds.
    [[nodiscard]] spent_counts spent() const noexcept;

private:
    std::span<sliding_window> windows_;
};

} // namespace sluice::limit

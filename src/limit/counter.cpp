#include "limit/counter.hpp"

#include <algorithm>
#include <limits>

namespace sluice::limit {

rules::rules(const policy& p) noexcept : size(p.quotas.size())
{
    for (std::size_t i = 0; i < size; ++i) {
        const auto window = std::chrono::ceil<std::chrono::microseconds>(p.quotas[i].window).count();
        list[i] = {.requests = p.quotas[i].requests, .window = static_cast<micros>(window)};
    }
}

micros rules::longest() const noexcept
{
    micros most = 0;
    for (const rule& one : all()) most = std::max(most, one.window);
    return most;
}

verdict counter::decide(const rules& by, const question& asked, micros now) noexcept
{
    verdict said{.passes = true, .came_back = asked.back, .lease = asked.want, .size = by.size};
    said.lease_for = std::numeric_limits<micros>::max();
    std::array<micros, quotas_max> at{};
    bool all = true; // of what the asker knows is to be counted
    for (std::size_t i = 0; i < by.size; ++i) {
        const micros window = by.list[i].window;
        at[i] = windows_[i].advance(now, window);
        if (asked.back != 0)
            said.came_back = std::min(said.came_back, windows_[i].give_back(asked.back_at, asked.back, window));
        all = all && windows_[i].used() == 0;
    }
    all = all || asked.anew;
    for (std::size_t i = 0; i < by.size; ++i) {
        const auto [requests, window] = by.list[i];
        sliding_window& spent = windows_[i];
        const std::uint32_t least = asked.least[i];
        const auto known = static_cast<std::uint32_t>(std::min<std::uint64_t>(spent.used(), least));
        const std::uint32_t lacking = all ? least - known : 0;
        spent.spend(at[i], std::max(lacking, std::min(asked.more, least)), window);

        const std::uint64_t used = spent.used();
        const std::uint64_t cost = std::min(asked.cost, requests); // dearer than the limit: passes in an empty window
        if (used + cost > requests) {
            said.passes = false;
            said.passes_in = std::max(said.passes_in, spent.leaves_at(used + cost - requests, now, window) - now);
            continue;
        }
        const std::uint64_t rest = requests - used - cost;
        said.lease = std::min(
            {said.lease, requests / lease_share_of_limit, static_cast<std::uint32_t>(rest / lease_share_of_left)});
        const micros width = sliding_window::width(window);
        said.lease_for = std::min(said.lease_for, (at[i] / width + 1) * width - now);
    }
    if (!said.passes) said.lease = 0;
    if (said.lease == 0) said.lease_for = 0;
    said.lease_end = said.lease == 0 ? 0 : now + said.lease_for - 1;

    for (std::size_t i = 0; i < by.size; ++i) {
        const auto [requests, window] = by.list[i];
        if (said.passes)
            windows_[i].spend(std::max(at[i], said.lease_end), std::min(asked.cost, requests) + said.lease, window);
        const std::uint64_t used = windows_[i].used();
        said.standings[i] = {.left = static_cast<std::uint32_t>(used < requests ? requests - used : 0),
                             .more_in = windows_[i].leaves_at(1, now, window) - now};
    }
    return said;
}

micros counter::empty_at(const rules& by) const noexcept
{
    micros last = 0;
    for (std::size_t i = 0; i < by.size; ++i) last = std::max(last, windows_[i].empty_at(by.list[i].window));
    return last;
}

spent_counts counter::spent() const noexcept
{
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    spent_counts sums{};
    for (std::size_t i = 0; i < windows_.size(); ++i)
        sums[i] = static_cast<std::uint32_t>(std::min(most, windows_[i].used()));
    return sums;
}

std::uint32_t spent_share(const rules& by, const spent_counts& spent) noexcept
{
    constexpr std::uint64_t whole = 65536;
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < by.size; ++i)
        most = std::max(most, std::min(whole, spent[i] * whole / by.list[i].requests));
    return static_cast<std::uint32_t>(most);
}

} // namespace sluice::limit

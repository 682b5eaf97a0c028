#include "limit/counter_table.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

namespace sluice::limit {

namespace {

template <class T> T* zeroed_memory(std::size_t count)
{
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    void* block = std::calloc(count, sizeof(T));
    if (block == nullptr) throw std::bad_alloc();
    return static_cast<T*>(block);
}

// And no further than the type goes.
void add(std::uint32_t& to, std::uint32_t more) noexcept
{
    to += std::min(more, std::numeric_limits<std::uint32_t>::max() - to);
}

} // namespace

counter_table::counter_table(std::size_t keys) : sets_(std::max<std::size_t>(1, (keys + ways - 1) / ways)) {}

void counter_table::prepare(const rules& by)
{
    if (slots_ != nullptr && by_.same_windows(by)) return;
    slots_.reset();
    windows_.reset();
    slots_.reset(zeroed_memory<slot>(sets_ * ways));
    windows_.reset(zeroed_memory<sliding_window>(sets_ * ways * by.size));
    by_ = by;
}

std::span<sliding_window> counter_table::windows_of(const slot& s) noexcept
{
    const auto index = static_cast<std::size_t>(&s - slots_.get());
    return {windows_.get() + index * by_.size, by_.size};
}

counter_table::slot* counter_table::find(const client_key& key, std::uint64_t hash) noexcept
{
    if (slots_ == nullptr) return nullptr;
    slot* const set = slots_.get() + set_of(hash);
    slot* const found = std::find_if(set, set + ways, [&](const slot& s) { return s.key == key; });
    return found == set + ways ? nullptr : found;
}

counter_table::slot& counter_table::claim(const client_key& key, std::uint64_t hash, micros now)
{
    slot* const set = slots_.get() + set_of(hash);
    slot* least = set;
    for (slot* one = set; one != set + ways; ++one) {
        const bool free = one->empty_at <= now;
        const bool least_free = least->empty_at <= now;
        if (free != least_free                       ? free
            : one->spent_share != least->spent_share ? one->spent_share < least->spent_share
                                                     : one->empty_at < least->empty_at)
            least = one;
    }
    if (least->empty_at > now) ++evicted_;
    *least = {
        .key = key, .empty_at = 0, .spent_share = 0, .outage = 0, .run = 0, .untold = 0, .telling = 0, .told_to = 0};
    std::ranges::fill(windows_of(*least), sliding_window());
    return *least;
}

verdict counter_table::decide(const client_key& key, std::uint64_t hash, const rules& by, const question& asked,
                              micros now)
{
    prepare(by);
    slot* found = find(key, hash);
    if (found == nullptr) found = &claim(key, hash, now);
    if (found->empty_at <= now) {
        found->untold = 0;
        if (asked.run != 0) found->run = asked.run; // which has said what this begins with
    }
    counter counted(windows_of(*found));
    const verdict said = counted.decide(by, asked, now);
    found->empty_at = counted.empty_at(by);
    found->spent_share = spent_share(by, counted.spent());
    // What Redis has heard of stands for nothing that comes later: it leaves the window there before that.
    if (asked.back_at + by.longest() > found->told_to) found->untold -= std::min(found->untold, said.came_back);
    if (said.passes && !asked.counted) add(found->untold, asked.cost + said.lease);
    if (said.passes && asked.counted) found->told_to = found->empty_at;
    return said;
}

void counter_table::hear(const client_key& key, std::uint64_t hash, const rules& by, const spent_counts& others,
                         std::uint32_t let_pass, micros now)
{
    (void)decide(key, hash, by, {.cost = 0, .least = others, .anew = true}, now);
    if (let_pass == 0) return;
    spent_counts all = used(key, hash, by, now);
    for (std::size_t i = 0; i < by.size; ++i) add(all[i], std::min(let_pass, by.list[i].requests));
    (void)decide(key, hash, by, {.cost = 0, .least = all, .anew = true}, now);
}

spent_counts counter_table::used(const client_key& key, std::uint64_t hash, const rules& by, micros now)
{
    const slot* found = find(key, hash);
    if (found == nullptr || !by_.same_windows(by)) return {};
    const auto windows = windows_of(*found);
    for (std::size_t i = 0; i < windows.size(); ++i) (void)windows[i].advance(now, by.list[i].window);
    return counter(windows).spent();
}

bool counter_table::knows(const client_key& key, std::uint64_t hash, std::uint32_t outage)
{
    const slot* found = find(key, hash);
    return found != nullptr && found->outage == outage;
}

void counter_table::note_known(const client_key& key, std::uint64_t hash, std::uint32_t outage)
{
    if (slot* found = find(key, hash)) found->outage = outage;
}

counter_table::untold counter_table::hand_over(const client_key& key, std::uint64_t hash, std::uint32_t run)
{
    slot* const found = find(key, hash);
    if (found == nullptr) return {};
    found->told_to = found->empty_at;
    const untold what = {.count = std::exchange(found->untold, 0),
                         .anew = std::exchange(found->run, run) != run || found->telling != 0};
    if (!what.nothing()) ++found->telling;
    return what;
}

void counter_table::told(const client_key& key, std::uint64_t hash, const untold& what, heard by_redis)
{
    slot* const found = find(key, hash);
    if (found == nullptr) return;
    if (found->telling != 0) --found->telling; // or it is another slot by now
    if (by_redis == heard::no) add(found->untold, what.count);
    if (by_redis == heard::unknown || (by_redis == heard::no && what.anew)) found->run = 0; // which no run is
}

} // namespace sluice::limit

#include "cache/tier_state.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::cache {

namespace {

// An index line for so many bytes of the whole: a place of the index for each 64 bytes of entries.
constexpr std::size_t bytes_an_index_line = 832;
// Ghosts for one entry in 128 bytes.
constexpr std::size_t bytes_a_ghost_line = 2304;
// The small queue is a twentieth of the room for entries.
constexpr std::uint32_t small_share = 20;
// How much may go round in the main queue before one that was asked for goes out all the same: what a put may cost.
constexpr std::uint32_t round_units_max = (std::uint32_t{16} << 10) / unit_bytes;
constexpr std::uint32_t round_for_each_unit = 4;
// While all go on into it, all of it was asked for: were all to go round at once, it would be a mere FIFO afterwards.
constexpr std::uint32_t round_for_each_unit_admitted = 8;

constexpr std::uint32_t units_of(std::size_t bytes) noexcept { return static_cast<std::uint32_t>(bytes / unit_bytes); }
// Places are 32 bits of units, and the end is one more.
constexpr std::size_t bytes_max = first_tier_bytes_max - small_page_bytes;

} // namespace

tier_plan::tier_plan(const first_tier_options& options) noexcept
    : bytes(std::min(options.bytes, bytes_max) / small_page_bytes * small_page_bytes),
      index_lines(static_cast<std::uint32_t>(bytes / bytes_an_index_line)),
      ghost_lines(static_cast<std::uint32_t>(bytes / bytes_a_ghost_line)),
      small_begin(units_of(index_lines * entry_index::line_bytes + ghost_lines * ghosts::line_bytes)),
      main_begin(small_begin + (units_of(bytes) - small_begin) / small_share), main_end(units_of(bytes)),
      entry_units_max(units_of(std::min(options.entry_bytes_max, bytes / 8)))
{}

tier_state::tier_state(const tier_plan& plan)
    : plan_(plan), pages_(plan.bytes), index_(pages_.data(), plan.index_lines),
      ghosts_(pages_.data() + plan.index_lines * entry_index::line_bytes, plan.ghost_lines,
              plan.main_end - plan.main_begin),
      small_(plan.small_begin, plan.main_begin), main_(plan.main_begin, plan.main_end)
{}

entry_index::slot tier_state::find_slot(std::uint64_t hash, std::string_view key) const noexcept
{
    return index_.find(hash, [&](std::uint32_t place) {
        entry& e = at(place);
        // Where the value begins is known only when the header is there; that line comes along meanwhile.
        __builtin_prefetch(reinterpret_cast<const char*>(&e) + 64);
        return e.hash == hash && e.key() == key;
    });
}

std::optional<cached> tier_state::find(std::uint64_t hash, std::string_view key, time_point now) noexcept
{
    now_ = now;
    const entry_index::slot found = find_slot(hash, key);
    if (!found || at(found.place()).dead) {
        ++counters_.misses;
        return {};
    }
    entry& e = at(found.place());
    if (now >= e.stale_until) {
        bury(e);
        ++counters_.expirations;
        ++counters_.misses;
        return {};
    }
    if (e.uses < uses_max) ++e.uses;
    if (e.watched) {
        e.watched = false;
        if (ghosts_.take(hash) == ghosts::age::young) admission_.came_back_soon(counters_.entries);
    }
    ++(now < e.fresh_until ? counters_.hits : counters_.stale_hits);
    return cached{.value = e.value(), .fresh_until = e.fresh_until, .stale_until = e.stale_until, .flags = e.flags};
}

void tier_state::put(const new_entry& added) noexcept
{
    index_.prefetch(added.hash);
    ghosts_.prefetch(added.hash);
    // The value's own size first, so that nothing overflows.
    const bool fits = added.key.size() <= key_bytes_max &&
                      added.value.size() <= std::size_t{plan_.entry_units_max} * unit_bytes &&
                      units_for(added.key.size(), added.value.size()) <= plan_.entry_units_max;
    if (!fits) {
        ++counters_.refused;
        erase(added.hash, added.key);
        return;
    }
    const std::uint32_t units = units_for(added.key.size(), added.value.size());
    bool to_main = false;
    bool was_there = false;
    if (const entry_index::slot found = find_slot(added.hash, added.key)) {
        entry& old = at(found.place());
        was_there = !old.dead;
        if (put_in_place(old, added)) {
            ++(was_there ? counters_.updates : counters_.insertions);
            return;
        }
        to_main = main_.contains(found.place());
        if (was_there) bury(old);
        index_.erase(found, added.hash);
    } else {
        const ghosts::age ghost = ghosts_.take(added.hash);
        to_main = ghost != ghosts::age::forgotten;
        admission_.is_put(ghost);
        if (ghost == ghosts::age::young) admission_.came_back_soon(counters_.entries);
    }
    // What would fill half of the small queue passes it by.
    to_main = to_main || units > small_.capacity() / 2;
    to_main ? make_room_in_main(units) : make_room_in_small(units);
    const std::uint32_t place = (to_main ? main_ : small_).append(units);
    write(place, units, added);
    if (to_main) at(place).uses = first_uses_in_main();
    add_to_index(added.hash, place);
    ++counters_.entries;
    ++(was_there ? counters_.updates : counters_.insertions);
    prefetch_next_to_go(small_);
    prefetch_next_to_go(main_);
}

void tier_state::prefetch_next_to_go(const entry_queue& from) const noexcept
{
    if (from.empty()) return;
    entry& first = at(from.front());
    index_.prefetch(first.hash);
    ghosts_.prefetch(first.hash);
    __builtin_prefetch(reinterpret_cast<const char*>(&first) + std::size_t{first.units()} * unit_bytes);
}

bool tier_state::put_in_place(entry& old, const new_entry& added) noexcept
{
    const std::uint32_t room = old.units(), units = units_for(added.key.size(), added.value.size());
    if (units > room || room - units > slack_units_max) return false;
    old.fresh_until = added.fresh_until;
    old.stale_until = added.stale_until;
    old.value_bytes = static_cast<std::uint32_t>(added.value.size());
    old.slack_units = static_cast<std::uint8_t>(room - units);
    old.flags = added.flags;
    if (old.dead) ++counters_.entries;
    old.dead = false;
    if (!added.value.empty()) std::memcpy(old.value_data(), added.value.data(), added.value.size());
    return true;
}

void tier_state::write(std::uint32_t place, std::uint32_t units, const new_entry& added) noexcept
{
    entry& e = at(place);
    e.hash = added.hash;
    e.fresh_until = added.fresh_until;
    e.stale_until = added.stale_until;
    e.value_bytes = static_cast<std::uint32_t>(added.value.size());
    e.key_bytes = static_cast<std::uint16_t>(added.key.size());
    e.slack_units = static_cast<std::uint8_t>(units - units_for(added.key.size(), added.value.size()));
    e.flags = added.flags;
    e.uses = 0;
    e.watched = false;
    e.dead = false;
    if (!added.key.empty()) std::memcpy(e.key_data(), added.key.data(), added.key.size());
    if (!added.value.empty()) std::memcpy(e.value_data(), added.value.data(), added.value.size());
}

void tier_state::add_to_index(std::uint64_t hash, std::uint32_t place) noexcept
{
    const auto out = index_.insert(
        hash, place, [this](std::uint32_t other) { return small_.contains(other); },
        [this](std::uint32_t other) { return at(other).hash; });
    if (!out || at(*out).dead) return;
    bury(at(*out));
    ++counters_.evictions;
}

void tier_state::make_room_in_small(std::uint32_t units) noexcept
{
    while (!small_.has_room(units)) {
        entry& first = at(small_.front());
        const entry_index::slot known_at = index_.find_place(first.hash, small_.front());
        if (!first.dead && now_ < first.stale_until &&
            (first.uses > 0 || main_.has_room(first.units()) || stays_unused(first)))
            promote(known_at);
        else
            drop(small_, known_at);
    }
}

bool tier_state::stays_unused(entry& first) noexcept
{
    const admission::fate its = admission_.of_next(counters_.entries);
    if (its == admission::fate::goes_on) {
        ghosts_.pass(first.units());
        return true;
    }
    ghosts_.add(first.hash, first.units());
    first.watched = its == admission::fate::goes_on_watched;
    return first.watched;
}

void tier_state::make_room_in_main(std::uint32_t units) noexcept
{
    std::uint32_t may_go_round = round_units_max + round_for_each_unit * units;
    if (admission_.admits()) may_go_round = std::min(may_go_round, round_for_each_unit_admitted * units);
    while (!main_.has_room(units)) {
        entry& first = at(main_.front());
        const entry_index::slot known_at = index_.find_place(first.hash, main_.front());
        const std::uint32_t its_units = first.units();
        if (first.dead || now_ >= first.stale_until || first.uses == 0 || its_units > may_go_round) {
            drop(main_, known_at);
            continue;
        }
        may_go_round -= its_units;
        go_round(known_at);
    }
}

void tier_state::promote(entry_index::slot known_at) noexcept
{
    entry& first = at(small_.front());
    const std::uint32_t units = first.units();
    make_room_in_main(units);
    const std::uint32_t place = main_.append(units);
    std::memcpy(&at(place), &first, std::size_t{units} * unit_bytes);
    at(place).uses = first_uses_in_main();
    index_.move(known_at, place);
    small_.pop_front(units);
}

void tier_state::go_round(entry_index::slot known_at) noexcept
{
    entry& first = at(main_.front());
    const std::uint32_t units = first.units();
    // Three uses are good for two rounds, so that what was popular once goes soon.
    first.uses = admission_.admits() ? 0 : first.uses / 2;
    main_.pop_front(units);
    // There is room, since this entry has just left as much.
    const std::uint32_t place = main_.append(units);
    std::memmove(&at(place), &first, std::size_t{units} * unit_bytes);
    index_.move(known_at, place);
}

void tier_state::drop(entry_queue& from, entry_index::slot known_at) noexcept
{
    entry& first = at(from.front());
    if (!first.dead) {
        ++(now_ >= first.stale_until ? counters_.expirations : counters_.evictions);
        bury(first);
    }
    if (known_at) index_.erase(known_at, first.hash);
    from.pop_front(first.units());
}

bool tier_state::erase(std::uint64_t hash, std::string_view key) noexcept
{
    const entry_index::slot found = find_slot(hash, key);
    if (!found || at(found.place()).dead) return false;
    bury(at(found.place()));
    ++counters_.erasures;
    return true;
}

void tier_state::clear() noexcept
{
    counters_.erasures += counters_.entries;
    counters_.entries = 0;
    small_.clear();
    main_.clear();
    index_.clear();
}

first_tier_counters tier_state::counters() const noexcept
{
    const std::size_t page = pages_.page_bytes();
    const auto end_of = [&](std::uint32_t place) { return (std::size_t{place} * unit_bytes + page - 1) / page * page; };
    first_tier_counters now = counters_;
    now.bytes = end_of(plan_.small_begin + small_.reached());
    if (main_.reached() != 0) {
        const std::size_t main_from = std::size_t{plan_.main_begin} * unit_bytes / page * page;
        now.bytes += end_of(plan_.main_begin + main_.reached()) - std::max<std::size_t>(main_from, now.bytes);
    }
    now.bytes = std::min<std::uint64_t>(now.bytes, plan_.bytes);
    return now;
}

} // namespace sluice::cache

// What is known of one user while several processes write and read him, and what may be read of him when; no I/O.
//
// His writes are numbered, and what each does goes by its number alone, round and round: he is created, named, given
// another e-mail, and deleted in the end. Each puts its number into what it writes, so what is read tells how old it
// is. An e-mail is his from one write to a later one, and nobody's before and afterwards, and so it is with an id.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <mutex>

using clock_type = std::chrono::steady_clock;
using time_type = clock_type::time_point;

enum class write_kind
{
    created,
    named,
    moved, // to another e-mail
    deleted,
};

constexpr write_kind round_of_writes[] = {write_kind::created, write_kind::named,  write_kind::moved,
                                          write_kind::named,   write_kind::moved,  write_kind::named,
                                          write_kind::named,   write_kind::deleted};
constexpr int round_size = std::size(round_of_writes);

constexpr write_kind kind_of(int number) { return round_of_writes[number % round_size]; }

// The last write up to that one that did what f() asks for.
template <class F> constexpr int last_that(int number, F f)
{
    while (!f(kind_of(number))) --number;
    return number;
}
// Which write gave him the name and the e-mail that he has after that one, which did not delete him.
constexpr int name_after(int number)
{
    return last_that(number, [](write_kind k) { return k == write_kind::named || k == write_kind::created; });
}
constexpr int email_after(int number)
{
    return last_that(number, [](write_kind k) { return k == write_kind::moved || k == write_kind::created; });
}

// What he can be looked up by: it leads to him from one write on, until another.
struct lookup
{
    int from;
    int until;
    bool email;

    static constexpr lookup by_id(int round) { return {round * round_size, (round + 1) * round_size - 1, false}; }
    // Of the e-mail that a write gave him.
    static constexpr lookup by_email(int number)
    {
        int until = number + 1;
        while (kind_of(until) != write_kind::moved && kind_of(until) != write_kind::deleted) ++until;
        return {number, until, true};
    }
};

// What a look-up gave: nobody, or a name and an e-mail by the numbers of the writes that gave them.
struct sighting
{
    bool absent = false;
    int name = 0;
    int email = 0;
};

enum class fault
{
    none,
    never_was, // or is yet to be written
    older_than_acknowledged,
    older_than_its_life,
};

inline const char* text_of(fault f)
{
    switch (f) {
    case fault::none:
        return "nothing wrong";
    case fault::never_was:
        return "never was so";
    case fault::older_than_acknowledged:
        return "older than acknowledged";
    case fault::older_than_its_life:
        return "older than cache.ttl";
    }
    return "";
}

class user_history
{
public:
    struct acknowledgement
    {
        std::size_t by; // the process
        time_type at;
        clock_type::duration late = {}; // how long after it another process still gave something older
    };

    // --- Writers, one at a time.
    int begin() { return ++begun_; }
    void acknowledge(std::size_t by, int number, time_type at)
    {
        const std::lock_guard lock(mutex_);
        known_.emplace(number, acknowledgement{.by = by, .at = at});
    }

    // --- Readers.
    int begun() const { return begun_; }
    // Of a reading that began then and is done.
    fault judge(std::size_t process, lookup by, sighting seen, time_type began, clock_type::duration ttl)
    {
        const int begun = begun_;
        const int newest = newest_with(by, seen, begun);
        if (newest > begun || (!seen.absent && !was(by, seen, newest))) return fault::never_was;
        const std::lock_guard lock(mutex_);
        if (acknowledged(process, by, seen, newest, began)) return fault::older_than_acknowledged;
        return age(process, newest, began) > ttl ? fault::older_than_its_life : fault::none;
    }

    template <class F> void for_each_acknowledgement(F f)
    {
        for (const auto& [number, one] : known_) f(one);
    }

private:
    // The last write after which this could be seen.
    static int newest_with(lookup by, sighting seen, int begun)
    {
        if (!seen.absent) return std::max(seen.name, seen.email);
        return begun < by.from || begun >= by.until ? begun : by.from - 1;
    }
    static bool was(lookup by, sighting seen, int number)
    {
        return number >= by.from && number < by.until && seen.name == name_after(number) &&
               seen.email == email_after(number);
    }
    // Had the process acknowledged something newer? Only what is written about what was looked up counts: a process
    // that wrote other things of him may not have heard of it. Whose an e-mail is, one write says; what is found by it
    // is as new as by his id.
    bool acknowledged(std::size_t process, lookup by, sighting seen, int newest, time_type began) const
    {
        const int last = seen.absent && by.email ? by.from : by.until;
        for (auto one = known_.upper_bound(newest); one != known_.end() && one->first <= last; ++one)
            if (one->second.by == process && one->second.at < began) return true;
        return false;
    }
    // How old that was already when the reading began; nothing acknowledged is newer: zero.
    clock_type::duration age(std::size_t process, int newest, time_type began)
    {
        const auto newer = known_.upper_bound(newest);
        if (newer == known_.end() || newer->second.at >= began) return {};
        const auto late = began - newer->second.at;
        if (newer->second.by != process) newer->second.late = std::max(newer->second.late, late);
        return late;
    }

    std::atomic<int> begun_{-1};
    std::mutex mutex_;
    std::map<int, acknowledgement> known_;
};

// A Redis that a simulation has in its hands: commands that run late, twice never, after their sender gave up, or
// without their answer; emptied; restarted with what an old snapshot held. Its keys carry the run that they are of.
#pragma once

#include <sluice/core/clock.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sluice::cache::test {

using version = int;

class simulated_redis
{
public:
    struct stored
    {
        version value;
        time_point expires;
    };
    struct lease
    {
        int token;
        time_point granted;
    };
    struct read_reply
    {
        std::optional<stored> found;
        bool leased = false;
    };

    // Of two servers no run of one is the other's.
    explicit simulated_redis(duration ttl, int first_run = 1) : ttl_(ttl), run_(first_run) {}

    [[nodiscard]] int run() const { return run_; }

    read_reply read(int run, const std::string& key, int token, time_point now)
    {
        if (const auto at = now_.values.find({run, key}); at != now_.values.end() && now < at->second.expires)
            return {.found = at->second};
        return {.found = {},
                .leased = now_.leases.try_emplace({run, key}, lease{.token = token, .granted = now}).second};
    }
    void fill(int run, const std::string& key, int token, version value, time_point now)
    {
        const auto at = now_.leases.find({run, key});
        if (at == now_.leases.end() || at->second.token != token) return;
        const time_point expires = at->second.granted + ttl_;
        now_.leases.erase(at);
        if (now < expires) now_.values.insert_or_assign({run, key}, stored{.value = value, .expires = expires});
    }
    void erase(int run, const std::string& key)
    {
        now_.values.erase({run, key});
        now_.leases.erase({run, key});
    }
    void flush() { now_ = {}; }
    void take_snapshot() { snapshot_ = now_; }
    void restart()
    {
        now_ = snapshot_;
        run_ += 2;
    }

private:
    struct contents
    {
        std::map<std::pair<int, std::string>, stored> values;
        std::map<std::pair<int, std::string>, lease> leases;
    };
    contents now_;
    contents snapshot_;
    duration ttl_;
    int run_;
};

} // namespace sluice::cache::test

// How processes on one PostgreSQL that have no Redis tell each other which cached keys were written: by NOTIFY, after
// the commit and not as a part of it, since PostgreSQL lets transactions that notify commit only one after the other.
//
// A notice is "SENDER KEY KEY …", keys in hexadecimal digits, or "SENDER *": something that was not said. Nobody waits
// for it, and it waits for no disk. One that fails is tried again; where the database takes no changes, with the next
// key. Of a shard, on its connections; what is not said yet is bounded.
#pragma once

#include <sluice/cache/shard_cache.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/postgres/listener.hpp>
#include <sluice/postgres/pool.hpp>
#include <sluice/shard/shard.hpp>

#include <string>
#include <string_view>

namespace sluice::app {

// Of all processes that run this version of the program on a database.
inline constexpr std::string_view notice_channel = "sluice_written";

class notice_sender
{
public:
    notice_sender(shard& on, postgres::pool& connections, std::string sender)
        : here_(on), connections_(connections), sender_(std::move(sender))
    {}
    // One notice is on its way at a time; keys gather meanwhile.
    void say(std::string_view key);

private:
    [[nodiscard]] task<void> send();
    [[nodiscard]] pooled_string next_notice();

    shard& here_;
    postgres::pool& connections_;
    std::string sender_;
    pooled_string gathered_;  // " KEY KEY …"
    bool everything_ = false; // too much gathered, or a notice failed
    bool sending_ = false;
};

// What a listener does with notices.
[[nodiscard]] postgres::listener::functions notice_functions(cache::shard_cache& part, std::string own_sender);

} // namespace sluice::app

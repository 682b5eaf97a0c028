// The cache's values in Redis: what is asked of it, in scripts that each run as one command, and in plain GETs.
//
// A value's name is PREFIX:RUN:{KEY}, and its lease's that and ":lease". RUN is the server's run id, so that a server
// which began again from an old snapshot, or a replica that took over, begins cold. A lease is granted to one of those
// who found no value; only with it a value may be stored, and whoever deletes the value deletes the lease. A value's
// life is counted from the lease, by the server's clock alone.
//
// Of one shard, on its client. An answer of another run than the one that was asked counts as none.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/redis/client.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cache {

class second_tier
{
public:
    using token = std::array<char, 16>;
    // A larger one would hold up all that share the connection, and the largest would end it.
    static constexpr std::size_t value_bytes_max = std::size_t{1} << 20;

    struct reading
    {
        enum class kind : std::uint8_t
        {
            failed,
            found,
            leased, // there is none, and who asked may store one
            taken,  // there is none, and somebody else loads it
        };
        kind is = kind::failed;
        pooled_string value = {}; // behind its mark
        bool absent = false;
        duration left = {};     // of the value's life, from when it was asked for; nothing where lives are not told
        token lease = {};       // if leased
        pooled_string run = {}; // of that server
    };

    // Where nobody keeps what is found, lives need not be told: then a value costs Redis less than half.
    second_tier(redis::client& redis, std::string prefix, std::string channel, std::string sender, duration lease_time,
                bool tells_lives)
        : redis_(redis), prefix_(std::move(prefix)), channel_(std::move(channel)), sender_(std::move(sender)),
          lease_time_(lease_time), tells_lives_(tells_lives)
    {}

    // Which run of a server this is: nothing without one, empty where that is not told.
    [[nodiscard]] std::optional<std::string_view> run() const { return redis_.agreed_run(); }
    // Is there a server whose run is known?
    [[nodiscard]] bool usable() const { return !redis_.run_id().empty(); }
    // Does it take commands just now?
    [[nodiscard]] bool answers() const;
    // How long a request may wait for it, all in all.
    [[nodiscard]] duration patience() const { return redis_.command_timeout(); }

    [[nodiscard]] task<reading> read(std::string_view key);
    // If the lease still holds. `life` counts from when it was granted.
    [[nodiscard]] task<bool> fill(std::string_view key, const reading& leased, std::string_view value, bool absent,
                                  duration life);
    // Lets somebody else have the lease, where nothing came of it.
    [[nodiscard]] task<void> give_back(std::string_view key, const reading& leased);
    // Deletes value and lease, and tells other processes. Has it, for sure?
    [[nodiscard]] task<bool> erase(std::string_view key);

private:
    [[nodiscard]] pooled_string name_of(std::string_view key, std::string_view run) const;

    redis::client& redis_;
    std::string prefix_;
    std::string channel_;
    std::string sender_; // this process
    duration lease_time_;
    bool tells_lives_;
};

} // namespace sluice::cache

// What others PUBLISH on channels, over a connection of its own that comes back after a loss.
//
// Redis keeps nothing for those who are not there: what was published while there was no connection is lost. So its
// owner hears of both ends of such a gap, in order with the messages, and must then trust nothing that depended on
// them. A server that is frozen, or a connection whose other end is gone, says nothing either: where nothing comes for
// `ping_after` it is asked whether it still is there, and held for lost if it does not answer in time.
//
// Nothing is kept: each message is handed over as it is read, and Redis itself ends a connection that reads too slowly
// (`client-output-buffer-limit pubsub`), which is a loss like any other.
//
// The name of the server may come to stand for another one while this connection stays. So it can be kept beside the
// client that others publish with: where the two are on different runs, the one that was connected first is made anew.
//
// Owned by a shard; its functions are called on it, outside of any request, and must not destroy it. It must die on the
// shard after its background tasks (shard::own does that). Loss by the shard's own end is not told.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/redis/location.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice::redis {

class client;

struct message
{
    std::string_view channel;
    std::string_view payload; // as long as the call
};

struct subscriber_options
{
    location where;
    std::vector<std::string> channels;      // one at least; any bytes
    std::string name = "sluice-subscriber"; // of the connection, in CLIENT LIST; without spaces
    duration connect_timeout = std::chrono::seconds(1);
    duration ping_after = std::chrono::seconds(1);            // without a word
    duration answer_timeout = std::chrono::milliseconds(250); // of a ping, and of SUBSCRIBE
    std::size_t message_bytes_max = std::size_t{1} << 20;     // a larger one ends the connection
    client* beside = nullptr;                                 // of the same shard; it outlives the subscriber
};

struct subscriber_counters
{
    bool subscribed = false; // now
    // Since the start:
    std::uint64_t messages = 0;
    std::uint64_t connects = 0;
    std::uint64_t failed_connects = 0;
    std::uint64_t losses = 0;
};

class subscriber
{
public:
    struct functions
    {
        std::function<void(const message&)> heard;
        std::function<void()> subscribed = [] {}; // to all channels: from now on nothing is missed
        std::function<void()> lost = [] {};       // until it is subscribed again
    };

    // `blocking` looks up names. It outlives the subscriber.
    subscriber(shard& on, offload_pool& blocking, subscriber_options options, functions tell);
    ~subscriber();
    subscriber(const subscriber&) = delete;
    subscriber& operator=(const subscriber&) = delete;

    [[nodiscard]] bool is_subscribed() const noexcept;
    // Of the server that is subscribed to, as client::run_id().
    [[nodiscard]] std::string_view run_id() const noexcept;
    [[nodiscard]] subscriber_counters counters() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace sluice::redis

#pragma GCC visibility pop

// What other sessions NOTIFY, on a connection of its own that comes back after a loss.
//
// PostgreSQL keeps nothing for those who do not listen: what was said while there was no connection is lost. So its
// owner hears of both ends of such a gap, and must then trust nothing that depended on the messages.
//
// Owned by a shard; its functions are called on it, outside of any request, and must not destroy it. It must die on the
// shard after its background tasks (shard::own does that). Not behind a transaction pooler, where sessions are shared.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice::postgres {

struct notification
{
    std::string_view channel;
    std::string_view payload; // as long as the call
    int sender;               // the process id of the session that said it
};

struct listener_options
{
    std::string url;
    std::vector<std::string> channels; // identifiers of any characters
    duration connect_timeout = std::chrono::seconds(2);
};

class listener
{
public:
    struct functions
    {
        std::function<void(const notification&)> heard;
        std::function<void()> listening = [] {}; // from now on nothing is missed
        std::function<void()> lost = [] {};      // until it listens again
    };

    listener(shard& on, offload_pool& blocking, listener_options options, functions tell);
    ~listener();
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    [[nodiscard]] bool is_listening() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace sluice::postgres

#pragma GCC visibility pop

// live_feed: what the live page's watchers are sent, made once a second for all of them, and while somebody watches.
//
// Owner: live_routes, one a shard, and those who watch. Thread: its shard's; the numbers are written out on another.
#pragma once

#include "server/process_view.hpp"

#include <sluice/core/pool.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/shard/wait.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice {

class live_feed : public std::enable_shared_from_this<live_feed>
{
public:
    struct news
    {
        std::uint64_t number = 0;
        std::shared_ptr<const pooled_string> text; // an event; null: there is nothing new
    };

    explicit live_feed(std::shared_ptr<shard_watch> shards) noexcept : shards_(std::move(shards)) {}

    // The latest, once it is another than number `seen`; nothing when the server drains.
    [[nodiscard]] task<result<news>> after(std::uint64_t seen);

    // One of those who watch, for as long as it lives.
    class place
    {
    public:
        explicit place(live_feed& of) noexcept : of_(of) { ++of_.watchers_; }
        ~place() { --of_.watchers_; }
        place(const place&) = delete;
        place& operator=(const place&) = delete;

    private:
        live_feed& of_;
    };
    [[nodiscard]] unsigned watchers() const noexcept { return watchers_; }

private:
    static task<void> make(std::shared_ptr<live_feed> self);
    void wake();

    std::shared_ptr<shard_watch> shards_;
    news latest_;
    std::vector<wait*> waiting_;
    unsigned watchers_ = 0;
    bool making_ = false;
};

} // namespace sluice

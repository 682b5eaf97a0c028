// What all shards are doing at this moment, for people who watch.
//
// The problem: a shard that hangs is what one wants to see, and it does not answer. The answer: all are asked at once,
// and what they have said after a while is shown, with the names of those that have said nothing. Such a one is not
// asked again before it has answered, so that nothing gathers in front of it.
//
// Owner: live_routes, one a shard. Thread: its shard's; a shard_view comes from another by a message.
#pragma once

#include "server/shard_view.hpp"

#include <sluice/core/clock.hpp>
#include <sluice/coro/task.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace sluice {

class json_writer;

class process_view
{
public:
    void add(shard_view seen, unsigned shard);
    void add_silent(unsigned shard) { silent_.push_back(shard); }
    // Once all are added.
    void put_in_order();

    // "under_way":…,"silent":[…],"requests":[…]
    void write_requests(json_writer& out) const;
    // "slowest":[…]
    void write_slowest(json_writer& out) const;

private:
    template <class T> struct of_shard
    {
        T what;
        unsigned shard;
    };

    std::size_t requests_under_way_ = 0;
    std::vector<unsigned> silent_; // shards that have not answered
    std::vector<of_shard<request_under_way>> oldest_;
    std::vector<of_shard<finished_request>> slowest_;
};

// Who asks the shards; shared with the questions that are on their way.
class shard_watch : public std::enable_shared_from_this<shard_watch>
{
public:
    static constexpr duration patience = std::chrono::milliseconds(500);

    [[nodiscard]] task<process_view> look();

private:
    struct answers;

    static task<void> ask(std::shared_ptr<shard_watch> self, std::shared_ptr<answers> into, unsigned shard);

    std::vector<bool> late_; // by shard: it owes an answer that nobody waits for any more
};

} // namespace sluice

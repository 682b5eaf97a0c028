// A shard: one reactor on one pinned thread, and everything that belongs to it.
//
// It owns its ring, ready queue, timers, mailboxes and the application's parts (own()). Nothing of it may be touched
// from another thread, except inbox(). current() is the calling thread's shard. A turn of its loop: what became ready
// runs, what was gathered for the turn's end is flushed, one io_uring_enter submits all of it and waits, completions
// are dispatched, timers fire.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/latency_histogram.hpp>
#include <sluice/core/published.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/coro/scope.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/ring/ring.hpp>
#include <sluice/shard/inbox.hpp>
#include <sluice/shard/message.hpp>
#include <sluice/shard/timer.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

class shard_group;
class poll_policy;

// Any thread may read them.
struct shard_counters
{
    event_count turns;
    event_count sleeps; // turns that slept in the ring
    event_count polls;  // enters that only looked
    event_count stalls; // turns of more than 50 ms
    published<std::int64_t> longest_turn_ns = 0;
    event_count messages;   // sent to other shards
    latency_histogram turn; // from the end of the wait to the beginning of the next
};

class shard
{
public:
    ~shard();
    shard(const shard&) = delete;
    shard& operator=(const shard&) = delete;

    [[nodiscard]] static shard& current() noexcept; // asserts that there is one
    [[nodiscard]] static bool is_current() noexcept;

    [[nodiscard]] unsigned index() const noexcept { return index_; }
    [[nodiscard]] unsigned count() const noexcept; // shards of the process

    // The time at which this turn began: constant within a turn.
    [[nodiscard]] time_point now() const noexcept { return now_; }

    [[nodiscard]] executor& ready() noexcept { return ready_; }
    [[nodiscard]] timer_wheel& timers() noexcept { return timers_; }
    [[nodiscard]] sluice::ring& ring() noexcept { return *ring_; }
    [[nodiscard]] const sluice::ring& ring() const noexcept { return *ring_; }
    [[nodiscard]] sluice::inbox& inbox() noexcept { return inbox_; }
    // Runs an item at the end of this turn, after everything that is ready now: where output is flushed once. An item
    // that runs there may post others, which run at the same turn's end.
    void at_turn_end(sluice::ready& item) noexcept { turn_end_.post(item); }
    // Hands a message over; it lives until it has run there.
    void send(unsigned to, message& m) noexcept;

    // Tasks that live as long as the shard; asked to stop when all shards have finished, and waited for.
    [[nodiscard]] scope& background() noexcept { return background_; }

    // Makes an object that lives as long as the shard; destroyed on it, the last first.
    template <class T, class... Arguments> T& own(Arguments&&... arguments)
    {
        auto owned = std::make_shared<T>(std::forward<Arguments>(arguments)...);
        T& object = *owned;
        owned_.push_back(std::move(owned));
        return object;
    }

    // This shard has no more to do but for others: until each of them has finished too, it serves their messages, and
    // what it does in the background goes on. Then that is asked to stop, and its loop ends once all of it has.
    void finish() noexcept;

    [[nodiscard]] const shard_counters& counters() const noexcept { return counters_; }

private:
    friend class shard_group;
    struct outgoing;
    class turn_timeout;

    shard(shard_group& group, unsigned index, std::unique_ptr<sluice::ring> r, std::unique_ptr<poll_policy> policy);
    void run();
    [[nodiscard]] bool stop_background() noexcept;
    [[nodiscard]] bool ended() noexcept;
    void enter();
    void wake_receivers() noexcept;
    void receive_messages() noexcept;
    void listen_to_inbox();

    shard_group& group_;
    unsigned index_;
    bool finishing_ = false;
    bool stopped_ = false;
    bool reported_ = false;
    time_point now_;
    std::unique_ptr<sluice::ring> ring_;
    executor ready_;
    ready_queue turn_end_;
    timer_wheel timers_;
    sluice::inbox inbox_;
    std::unique_ptr<poll_policy> poll_policy_;
    std::vector<outgoing> outgoing_; // one a shard
    timeout_operation timeout_;
    time_point timeout_at_ = never;
    operation inbox_poll_;
    shard_counters counters_;
    scope background_;
    std::vector<std::shared_ptr<void>> owned_;
};

// Until a time; sooner, with an error, when the request's context stops or its deadline passes.
[[nodiscard]] task<result<void>> sleep_until(time_point when);
[[nodiscard]] task<result<void>> sleep_for(duration how_long);

} // namespace sluice

#pragma GCC visibility pop

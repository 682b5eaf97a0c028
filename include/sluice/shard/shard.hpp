// A shard: one reactor on one pinned thread, and everything that belongs to it.
//
// It owns its ring, ready queue, timers, mailboxes, connections and the application's parts (own()). Nothing of it may be
// touched from another thread, except through inbox() and messages. current() is the calling thread's shard.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/coro/scope.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/shard/inbox.hpp>

#include <memory>
#include <utility>

namespace sluice
{

class ring;
class timer_wheel;

class shard
{
public:
    [[nodiscard]] static shard& current() noexcept; // asserts that there is one
    [[nodiscard]] static bool is_current() noexcept;

    [[nodiscard]] unsigned index() const noexcept;
    [[nodiscard]] unsigned count() const noexcept; // shards of the process

    // The time at which this turn began: constant within a turn.
    [[nodiscard]] time_point now() const noexcept;
    [[nodiscard]] timestamp wall() const noexcept;

    [[nodiscard]] executor& ready() noexcept;
    [[nodiscard]] timer_wheel& timers() noexcept;
    [[nodiscard]] sluice::ring& ring() noexcept;
    [[nodiscard]] sluice::inbox& inbox() noexcept;
    // Tasks that live as long as the shard; asked to stop and joined when it ends.
    [[nodiscard]] scope& background() noexcept;

    // Makes an object that lives as long as the shard; destroyed on it, the last first.
    template <class T, class... Arguments>
    T& own(Arguments&&... arguments)
    {
        auto owned = std::make_shared<T>(std::forward<Arguments>(arguments)...);
        T& object = *owned;
        keep(std::move(owned));
        return object;
    }

    struct state;

private:
    friend struct state;
    explicit shard(state& s) noexcept : state_(s) {}
    void keep(std::shared_ptr<void> object);
    state& state_;
};

// Until a time, or sooner with errc::cancelled / errc::timeout when the request's context stops or its deadline passes.
[[nodiscard]] task<result<void>> sleep_until(time_point when);
[[nodiscard]] task<result<void>> sleep_for(duration how_long);

} // namespace sluice

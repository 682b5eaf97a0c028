#include "shard/shard_group.hpp"

#include <sluice/core/log.hpp>
#include <sluice/core/turn_watch.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/wait.hpp>

#include <algorithm>
#include <poll.h>
#include <utility>

namespace sluice {

namespace {

thread_local shard* current_shard = nullptr;

constexpr duration stall = std::chrono::milliseconds(50);

time_point clock_now() noexcept { return steady_clock::now(); }

// A line of the request that took longest, if it was one.
[[gnu::cold]] void log_stall(duration turn)
{
    const turn_watch& watch = turn_watch::current();
    const turn_watch::piece& longest = watch.longest();
    const double part = static_cast<double>(longest.ticks) / static_cast<double>(watch.turn_ticks());
    const auto microseconds = [](duration d) {
        return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
    };
    context request = {.trace = longest.trace};
    context* before = context::exchange_current(&request);
    log(log_level::warn, "The shard did not turn",
        {{"duration_us", microseconds(turn)},
         {"longest_us", microseconds(std::chrono::duration_cast<duration>(turn * std::min(part, 1.0)))},
         {"task", longest.task}});
    context::exchange_current(before);
}

} // namespace

// Messages to one other shard: what its queue had no room for, and whether it must be woken at the turn's end.
struct shard::outgoing
{
    message* oldest_waiting = nullptr;
    message* newest_waiting = nullptr;
    bool wake = false;
};

shard::shard(shard_group& group, unsigned index, std::unique_ptr<sluice::ring> r, std::unique_ptr<poll_policy> policy)
    : group_(group), index_(index), now_(clock_now()), ring_(std::move(r)), timers_(now_),
      poll_policy_(std::move(policy)), outgoing_(group.count()),
      timeout_([](operation& op, completion) { // its coming is all that matters: the loop looks at the timers
          auto& self = current();
          SLUICE_ASSERT(&op == &self.timeout_);
          self.timeout_at_ = never;
      }),
      inbox_poll_([](operation&, completion c) {
          current().inbox_.drain();
          if (!c.more()) current().listen_to_inbox();
      })
{
    current_shard = this;
    ring_->on_message([](void* self) { static_cast<shard*>(self)->receive_messages(); }, this);
    listen_to_inbox();
}

shard::~shard()
{
    while (!owned_.empty()) owned_.pop_back();
    ring_->abandon(inbox_poll_);
    ring_->abandon(timeout_);
    current_shard = nullptr;
}

shard& shard::current() noexcept
{
    SLUICE_ASSERT(current_shard != nullptr);
    return *current_shard;
}
bool shard::is_current() noexcept { return current_shard != nullptr; }
unsigned shard::count() const noexcept { return group_.count(); }

void shard::listen_to_inbox()
{
    if (!finishing_ || !reported_) ring_->poll_multishot(inbox_.event_fd(), POLLIN, inbox_poll_);
}

// --- The loop.

void shard::run()
{
    for (;;) {
        while (!turn_end_.idle()) turn_end_.run(); // what is posted there meanwhile belongs to this turn, too
        if (stop_background()) continue;
        if (ended()) break; // before it could sleep: finish() wakes only others
        enter();
        turn_watch::current().begin_turn();
        ring_->dispatch();
        timers_.advance(now_);
        turn_watch::current().cut();
        ready_.run();
        ++counters_.turns;
    }
    ring_->enter(ring::wait::no); // the last closes leave, too
}

// Ends the turn and begins the next: everything queued leaves, and unless something is ready already the shard waits.
void shard::enter()
{
    wake_receivers();
    if (const time_point next = timers_.next(); next < timeout_at_) {
        ring_->abandon(timeout_);
        ring_->timeout(next, timeout_);
        timeout_at_ = next;
    }
    const time_point turn_over = clock_now();
    const duration took = turn_over - now_;
    counters_.turn.record(took);
    counters_.longest_turn_ns = std::max<std::int64_t>(counters_.longest_turn_ns, took.count());
    if (took > stall) {
        ++counters_.stalls;
        log_stall(took);
    }

    if (!ready_.idle()) {
        ring_->enter(ring::wait::no);
        now_ = clock_now();
        return;
    }
    if (const duration budget = poll_policy_->budget(); budget > duration::zero()) {
        do {
            ring_->enter(ring::wait::no);
            ++counters_.polls;
            now_ = clock_now();
        } while (ring_->completions_ready() == 0 && now_ - turn_over < budget);
    }
    if (ring_->completions_ready() == 0) {
        ring_->enter(ring::wait::yes);
        ++counters_.sleeps;
        now_ = clock_now();
    }
    poll_policy_->turn(now_, ring_->completions_ready());
}

// --- Messages.

void shard::send(unsigned to, message& m) noexcept
{
    ++counters_.messages;
    outgoing& out = outgoing_[to];
    out.wake = true;
    m.next = nullptr;
    if (out.oldest_waiting == nullptr && group_.mail(index_, to).try_push(&m)) return;
    (out.oldest_waiting != nullptr ? out.newest_waiting->next : out.oldest_waiting) = &m;
    out.newest_waiting = &m;
}

void shard::wake_receivers() noexcept
{
    for (unsigned to = 0; to < outgoing_.size(); ++to) {
        outgoing& out = outgoing_[to];
        while (out.oldest_waiting != nullptr) {
            message* next = out.oldest_waiting->next; // once pushed, the message is the receiver's
            if (!group_.mail(index_, to).try_push(out.oldest_waiting)) break;
            out.oldest_waiting = next;
            out.wake = true;
        }
        if (out.wake) ring_->message(group_.ring_fds_[to]);
        out.wake = false;
    }
}

void shard::receive_messages() noexcept
{
    for (unsigned from = 0; from < group_.count(); ++from) {
        std::size_t count = 0;
        message* m = nullptr;
        for (; group_.mail(from, index_).try_pop(m); ++count) {
            turn_watch::current().cut();
            turn_watch::current().runs("shard::receive_messages"); // unless it says for whom
            m->run(*m);
        }
        // The sender may have found its queue full and be asleep: there is room again.
        if (count >= group_.options_.mailbox_messages) outgoing_[from].wake = true;
    }
}

void detail::send_message(unsigned to, message& m) noexcept { shard::current().send(to, m); }
unsigned detail::current_shard() noexcept { return shard::current().index(); }
scope& detail::background_of_current_shard() noexcept { return shard::current().background(); }

// --- The end.

void shard::finish() noexcept
{
    if (std::exchange(finishing_, true)) return;
    if (group_.working_.fetch_sub(1) == 1) group_.wake_all();
}

// Once, where no shard has more to do.
bool shard::stop_background() noexcept
{
    if (!finishing_ || stopped_ || group_.working_.load() != 0) return false;
    stopped_ = true;
    background_.request_stop();
    return true;
}

bool shard::ended() noexcept
{
    if (!stopped_ || background_.running() != 0 || !ready_.idle()) return false;
    if (!reported_) {
        reported_ = true;
        if (group_.unfinished_.fetch_sub(1) == 1) group_.wake_all();
    }
    return group_.unfinished_.load() == 0;
}

// --- Sleeping.

task<result<void>> sleep_until(time_point when)
{
    wait sleeping;
    const wait_end how = co_await sleeping.until(when);
    // The wait's own limit is what we wanted; the request's deadline, if it came first, is not.
    if (how == wait_end::timeout && shard::current().now() >= when) co_return result<void>();
    co_return fail(how);
}

task<result<void>> sleep_for(duration how_long) { return sleep_until(shard::current().now() + how_long); }

} // namespace sluice

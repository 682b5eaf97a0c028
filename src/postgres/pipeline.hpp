// One connection's pipeline as a state machine without I/O: what to send next, and what each answer means for whom.
//
// The problem: the answers of a pipeline come in order and name no query, one failure aborts all up to the next sync,
// a transaction that nobody opened commits only at the sync, and libpq 15 flushes at every one. The answer: the reads
// of one turn share a sync, and while enough of such flights are on the way to keep the server at work, what is asked
// for waits and makes the next one larger; those that a neighbour's failure aborted run again, each with a sync of its
// own; a write always has a sync of its own, so that it fails alone and is aborted by nobody, and it is done only when
// that sync has been answered. Each query is never sent, sent and unknown, or done; when the connection is lost, that
// and whether it writes decide what becomes of it.
//
// Owned by its connection, on its shard. It holds no SQL and no result: a query is a ticket, whose owner keeps both
// until its verdict, or disowns it. It does not send, wait, time out or cancel.
#pragma once

#include <sluice/core/assert.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/postgres/statement.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace sluice::postgres {

class pipeline
{
public:
    using ticket = std::uint64_t;
    static constexpr ticket nobody = 0; // whose answer nobody waits for

    // A result as the connection read it. `stale` is a failure by which the server refuses the prepared form (SQLSTATE
    // 26000, 0A000 after a schema change, or 42P05 where another has its name), `cancelled` one that a cancellation
    // caused which was not meant for it: in both nothing was done, and the query may run again here.
    enum class answer : std::uint8_t
    {
        ok,
        failed,
        stale,
        cancelled,
        aborted,
    };

    enum class verdict : std::uint8_t
    {
        answered,        // done: the result is its own
        failed,          // done: the failure is its own
        never_sent,      // or known not done: it may run elsewhere, whatever it does
        again_elsewhere, // a read whose answer was lost for the first time
        lost,            // a read whose answer was lost a second time
        outcome_unknown, // a write whose answer was lost
    };
    struct decision
    {
        ticket query;
        verdict becomes;
    };

    struct action
    {
        enum class kind : std::uint8_t
        {
            none,
            send,
            sync,
        };
        kind what = kind::none;
        ticket query = 0;     // of send
        bool prepare = false; // of send: prepare the statement in the same flight, before it runs
    };

    struct submission
    {
        ticket query;
        access does;
        bool prepare = false;            // this connection lacks the statement, or has to be told something first
        bool prepares_each_time = false; // also where it runs again
        bool lost_once = false;          // it has run elsewhere, and that answer was lost
        bool joins = false;              // no sync between it and the next: if it fails, the next does not run
    };

    // No flight of reads begins while `flights_max` syncs are not answered.
    pipeline(std::size_t queries_max, std::size_t flights_max) : queries_max_(queries_max), flights_max_(flights_max) {}

    // False at the bound, where nothing is taken.
    [[nodiscard]] bool submit(const submission& s)
    {
        if (full()) return false;
        waiting_.push_back({.asked = s});
        if (s.does == access::writes) ++writes_;
        return true;
    }

    // Its owner goes away. What was never sent is forgotten, and given back; of what is on the wire, the answer will be
    // passed over when it comes.
    std::optional<submission> leave(ticket query)
    {
        for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
            if (at->asked.query != query) continue;
            const submission asked = at->asked;
            gone(asked);
            waiting_.erase(at);
            return asked;
        }
        if (committing_ && committing_->asked.query == query) committing_->asked.query = nobody;
        for (entry& e : sent_)
            if (e.asked.query == query) e.asked.query = nobody;
        return std::nullopt;
    }

    // The head keeps all others waiting: calls f(submission, sent) for each that may as well run elsewhere, and knows
    // it no more.
    template <class F> void hand_over(F f)
    {
        for (std::size_t i = committing_ ? 0 : 1; i < sent_.size(); ++i) {
            submission& asked = sent_[i].asked;
            if (asked.does != access::reads || asked.query == nobody) continue;
            const submission moved = asked;
            asked.query = nobody;
            f(moved, true);
        }
        while (!waiting_.empty()) {
            const submission asked = waiting_.front().asked;
            waiting_.pop_front();
            gone(asked);
            f(asked, false);
        }
    }

    // What to hand to libpq next, until there is none: a turn ends with a sync behind all that it sent. What waits for
    // its flight goes with a later turn, to be asked for when a sync has been answered.
    [[nodiscard]] action next()
    {
        const bool alone = !waiting_.empty() && needs_own_sync(waiting_.front());
        const bool joined = unsynced_ > 0 && sent_.back().asked.joins;
        if (unsynced_ > 0 && (waiting_.empty() || (!joined && (alone || must_close_)))) {
            unsynced_ = 0;
            must_close_ = false;
            sent_.back().closes = true;
            ++flights_;
            return {.what = action::kind::sync};
        }
        if (waiting_.empty()) return {};
        if (unsynced_ == 0 && !alone && flights_ >= flights_max_) return {};
        entry sent = waiting_.front();
        waiting_.pop_front();
        sent.preparing = sent.asked.prepare;
        sent_.push_back(sent);
        ++unsynced_;
        must_close_ = alone || joined;
        return {.what = action::kind::send, .query = sent.asked.query, .prepare = sent.asked.prepare};
    }

    // Whose the next result is, and whether it is that of the preparation. Nobody's where a sync comes next, unless a
    // write waits for it.
    [[nodiscard]] ticket expected() const
    {
        if (syncing_) return committing_ ? committing_->asked.query : nobody;
        return sent_.empty() ? nobody : sent_.front().asked.query;
    }
    [[nodiscard]] bool preparing() const { return !syncing_ && !sent_.empty() && sent_.front().preparing; }

    // Is the next result that of a query whose preparation failed? It says nothing of why.
    [[nodiscard]] bool unprepared() const { return !syncing_ && !sent_.empty() && sent_.front().preparation_failed; }

    // The next result of the pipeline. A query that prepares has two: the preparation's, then its own. Nothing is
    // decided where another result must come first, where the query runs again on this connection, or for nobody.
    [[nodiscard]] std::optional<decision> on_answer(answer a)
    {
        if (syncing_) return decide_commit(verdict::failed); // the commit itself failed
        SLUICE_ASSERT(!sent_.empty());
        entry& head = sent_.front();
        if (head.preparing) {
            head.preparing = false;
            head.preparation_failed = a == answer::failed || (a == answer::stale && head.prepared_again);
            head.prepared_again = head.prepared_again || a == answer::stale;
            return std::nullopt;
        }
        const entry done = head;
        sent_.pop_front();
        syncing_ = done.closes;
        if (a == answer::ok && done.asked.does == access::writes && !done.preparation_failed && done.closes) {
            committing_ = done;
            return std::nullopt;
        }
        if (done.asked.query != nobody && !done.preparation_failed && may_run_again(done, a)) {
            run_again(done, a);
            return std::nullopt;
        }
        return decide(done.asked, a == answer::ok ? verdict::answered : verdict::failed);
    }

    // The next sync was answered: what was sent before it is committed.
    [[nodiscard]] std::optional<decision> on_sync()
    {
        SLUICE_ASSERT(syncing_);
        syncing_ = false;
        --flights_;
        return decide_commit(verdict::answered);
    }

    // The connection is gone. To be asked until it says nothing: the sent ones first, in their order.
    [[nodiscard]] std::optional<decision> on_lost()
    {
        unsynced_ = flights_ = 0;
        must_close_ = syncing_ = false;
        if (auto decided = decide_commit(verdict::outcome_unknown)) return decided;
        while (!sent_.empty()) {
            const submission asked = sent_.front().asked;
            sent_.pop_front();
            const verdict read = asked.lost_once ? verdict::lost : verdict::again_elsewhere;
            if (auto decided = decide(asked, asked.does == access::writes ? verdict::outcome_unknown : read))
                return decided;
        }
        if (waiting_.empty()) return std::nullopt;
        const submission asked = waiting_.front().asked;
        waiting_.pop_front();
        return decide(asked, verdict::never_sent);
    }

    [[nodiscard]] bool idle() const noexcept { return size() == 0 && !syncing_; }
    [[nodiscard]] bool full() const noexcept { return size() >= queries_max_; }
    // Does the server work on something, as far as can be known? That alone may be cancelled.
    [[nodiscard]] bool working() const noexcept { return committing_ || !sent_.empty(); }
    [[nodiscard]] bool syncing() const noexcept { return syncing_; }                   // is the next result a sync?
    [[nodiscard]] bool committing() const noexcept { return committing_.has_value(); } // and decides a write?
    [[nodiscard]] bool head_is_nobodys() const { return working() && !syncing_ && expected() == nobody; }
    // Is what it works on once a sync that is due has been answered?
    [[nodiscard]] bool next_is_nobodys() const
    {
        return !committing_ && !sent_.empty() && sent_.front().asked.query == nobody;
    }
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size() + sent_.size() + (committing_ ? 1 : 0); }
    [[nodiscard]] std::size_t writes() const noexcept { return writes_; }

private:
    struct entry
    {
        submission asked;
        bool preparing = false; // the preparation's result comes first
        bool preparation_failed = false;
        bool prepared_again = false;
        bool isolated = false; // it was aborted by a neighbour, or runs again
        bool closes = false;   // a sync stands behind it
    };

    static bool may_run_again(const entry& e, answer a)
    {
        return a == answer::aborted || a == answer::cancelled || (a == answer::stale && !e.prepared_again);
    }
    static bool needs_own_sync(const entry& e) { return e.isolated || e.asked.does == access::writes; }

    void run_again(entry e, answer a)
    {
        e.prepared_again = e.prepared_again || a == answer::stale;
        e.asked.prepare = a == answer::stale || (a == answer::aborted && e.asked.prepare) || e.asked.prepares_each_time;
        e.isolated = true;
        e.closes = false;
        waiting_.push_back(e);
    }
    std::optional<decision> decide_commit(verdict becomes)
    {
        if (!committing_) return std::nullopt;
        const submission asked = committing_->asked;
        committing_.reset();
        return decide(asked, becomes);
    }
    // The last that is heard of it.
    std::optional<decision> decide(const submission& asked, verdict becomes)
    {
        gone(asked);
        if (asked.query == nobody) return std::nullopt;
        return decision{asked.query, becomes};
    }
    void gone(const submission& asked)
    {
        if (asked.does == access::writes) --writes_;
    }

    std::deque<entry, pool_allocator<entry>> waiting_; // never sent, or known not done
    std::deque<entry, pool_allocator<entry>> sent_;
    std::optional<entry> committing_; // a write that ran, and whose sync is not answered
    std::size_t queries_max_;
    std::size_t flights_max_;
    std::size_t flights_ = 0; // syncs that are not answered
    std::size_t writes_ = 0;
    std::size_t unsynced_ = 0;
    bool must_close_ = false; // what was sent last shares its sync with nothing
    bool syncing_ = false;    // the next result is a sync
};

} // namespace sluice::postgres

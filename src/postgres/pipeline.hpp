// One connection's pipeline as a state machine without I/O: what to send next, and what each answer means for whom.
//
// The problem: the answers of a pipeline come in order and name no query, one failure aborts all up to the next sync,
// and libpq 15 flushes at every sync. The answer: the reads of one turn share a sync, and those that a neighbour's
// failure aborted run again, each with a sync of its own; a write always has a sync of its own, so that it fails alone
// and is aborted by nobody. Each query is never sent, sent and unknown, or done; when the connection is lost, that and
// whether it writes decide what becomes of it.
//
// Owned by its connection, on its shard. It holds no SQL and no result: a query is a ticket, whose owner keeps both
// until its verdict. It does not send, wait, time out or cancel.
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

    // A query's result as the connection read it. `stale` is a failure by which the server refuses the prepared form
    // (SQLSTATE 26000, or 0A000 after a schema change): nothing was done, and preparing again mends it.
    enum class answer : std::uint8_t
    {
        ok,
        failed,
        stale,
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
        bool prepare = false;   // this connection does not have the statement yet
        bool lost_once = false; // it has run elsewhere, and that answer was lost
    };

    explicit pipeline(std::size_t queries_max) : queries_max_(queries_max) {}

    // False at the bound, where nothing is taken.
    [[nodiscard]] bool submit(const submission& s)
    {
        if (size() >= queries_max_) return false;
        waiting_.push_back({.asked = s});
        return true;
    }

    // Takes back what was never sent. False: it is on the wire, and its verdict will come.
    bool withdraw(ticket query)
    {
        for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
            if (at->asked.query != query) continue;
            waiting_.erase(at);
            return true;
        }
        return false;
    }

    // What to hand to libpq next, until there is none: a turn ends with a sync behind all that it sent.
    [[nodiscard]] action next()
    {
        const bool alone = !waiting_.empty() && needs_own_sync(waiting_.front());
        if (unsynced_ > 0 && (waiting_.empty() || alone || must_close_)) {
            unsynced_ = 0;
            must_close_ = false;
            return {.what = action::kind::sync};
        }
        if (waiting_.empty()) return {};
        entry sent = waiting_.front();
        waiting_.pop_front();
        sent.preparing = sent.asked.prepare;
        sent_.push_back(sent);
        ++unsynced_;
        must_close_ = alone;
        return {.what = action::kind::send, .query = sent.asked.query, .prepare = sent.asked.prepare};
    }

    // The next result of the pipeline. A query that prepares has two: the preparation's, then its own. Nothing is
    // decided where another result must come first, or where the query runs again on this connection.
    [[nodiscard]] std::optional<decision> on_answer(answer a)
    {
        SLUICE_ASSERT(!sent_.empty());
        entry& head = sent_.front();
        if (head.preparing) {
            head.preparing = false;
            if (a == answer::ok || a == answer::aborted) return std::nullopt;
            head.preparation_failed = true;
            return std::nullopt;
        }
        const entry done = head;
        sent_.pop_front();
        if (done.preparation_failed) return decision{done.asked.query, verdict::failed};
        switch (a) {
        case answer::ok:
            return decision{done.asked.query, verdict::answered};
        case answer::failed:
            return decision{done.asked.query, verdict::failed};
        case answer::stale:
            if (done.prepared_again) return decision{done.asked.query, verdict::failed};
            run_again(done, true);
            return std::nullopt;
        case answer::aborted:
            run_again(done, done.asked.prepare);
            return std::nullopt;
        }
        return std::nullopt;
    }

    // The connection is gone. To be asked until it says nothing: the sent ones first, in their order.
    [[nodiscard]] std::optional<decision> on_lost()
    {
        unsynced_ = 0;
        must_close_ = false;
        if (!sent_.empty()) {
            const submission asked = sent_.front().asked;
            sent_.pop_front();
            if (asked.does == access::writes) return decision{asked.query, verdict::outcome_unknown};
            return decision{asked.query, asked.lost_once ? verdict::lost : verdict::again_elsewhere};
        }
        if (waiting_.empty()) return std::nullopt;
        const ticket query = waiting_.front().asked.query;
        waiting_.pop_front();
        return decision{query, verdict::never_sent};
    }

    // The query that the server works on, as far as can be known: the only one that may be cancelled.
    [[nodiscard]] std::optional<ticket> head() const
    {
        if (sent_.empty()) return std::nullopt;
        return sent_.front().asked.query;
    }
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size() + sent_.size(); }

private:
    struct entry
    {
        submission asked;
        bool preparing = false; // the preparation's result comes first
        bool preparation_failed = false;
        bool prepared_again = false;
        bool isolated = false; // it was aborted by a neighbour, or is prepared again
    };

    static bool needs_own_sync(const entry& e) { return e.isolated || e.asked.does == access::writes; }

    void run_again(entry e, bool prepare)
    {
        e.prepared_again = e.prepared_again || (prepare && !e.asked.prepare);
        e.asked.prepare = prepare;
        e.isolated = true;
        waiting_.push_back(e);
    }

    std::deque<entry, pool_allocator<entry>> waiting_; // never sent, or known not done
    std::deque<entry, pool_allocator<entry>> sent_;
    std::size_t queries_max_;
    std::size_t unsynced_ = 0;
    bool must_close_ = false; // what was sent last shares its sync with nothing
};

} // namespace sluice::postgres

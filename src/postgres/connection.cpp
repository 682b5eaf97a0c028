#include "postgres/connection.hpp"

#include "postgres/errors.hpp"

#include <sluice/core/random.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <libpq-fe.h>
#include <poll.h>

namespace sluice::postgres {

namespace {

// OpenSSL may hold decrypted bytes of which the socket knows nothing: so much more is read at once, and looked for.
constexpr int encrypted_reads = 4;
constexpr duration encrypted_look = std::chrono::milliseconds(2);

pipeline::ticket ticket_of(const query_run& q) noexcept { return reinterpret_cast<pipeline::ticket>(&q); }
query_run* query_of(pipeline::ticket t) noexcept { return reinterpret_cast<query_run*>(t); }

// Before libpq 17 each sync is a send of its own; from then on all of a turn leave together.
bool sync(pg_conn* c) noexcept
{
#ifdef SLUICE_PQ_SENDS_SYNCS
    return PQsendPipelineSync(c) == 1;
#else
    return PQpipelineSync(c) == 1;
#endif
}

// While it waited, most likely for a lock.
bool was_turned_away(const pg_result* failed)
{
    const std::string_view state = sql_state(failed);
    return sql_states::cancelled(state) || state == "55P03"; // lock_timeout
}

} // namespace

connection::connection(shard& on, connection_handle made, connection_owner& owner, const connection_limits& limits)
    : shard_(on), handle_(std::move(made)), owner_(owner), limits_(limits),
      pipeline_(limits.queries_max, limits.flights_max), made_at_(on.now()),
      renew_at_(on.now() + age_of_one(limits.age_max)), head_since_(on.now())
{
    PQsetNoticeReceiver(handle_.get(), &connection::take_notice, this);
    listen();
}

connection::~connection() { SLUICE_ASSERT(ended_); }

void connection::submit(query_run& q)
{
    SLUICE_ASSERT(!ended_ && q.on == nullptr);
    const bool named = limits_.own_session && q.what.name[0] != '\0';
    // A session of the pooler's is told with each write, or with what follows a BEGIN, in the same flight.
    const bool begun = std::exchange(beginning_, q.joins_next);
    const bool tell =
        !limits_.own_session && !q.read_only && (use_ == use::leased ? begun : q.what.does == access::writes);
    bool prepare = false;
    if (named) {
        prepared& known = statements_[&q.what];
        if (known.name.empty()) {
            // A constant of a header is another in each file that includes it.
            known.taken =
                std::ranges::any_of(statements_, [&](const auto& one) { return one.second.name == q.what.name; });
            known.name = q.what.name;
        }
        // The same address may be another statement's by now.
        if (known.sql != q.what.sql) {
            known.sql = q.what.sql;
            known.there = false;
        }
        prepare = !std::exchange(known.there, true);
    }
    if (pipeline_.idle()) {
        head_since_ = shard_.now();
        rested_ = true;
    }
    q.on = this;
    q.remembered = named && !prepare;
    q.queued.reset();
    q.refused = false;
    // What ends several connections together counts once.
    const bool lost_once = q.lost_at < made_at_;
    const bool taken = pipeline_.submit({.query = ticket_of(q),
                                         .does = q.what.does,
                                         .prepare = prepare || tell,
                                         .prepares_each_time = tell,
                                         .lost_once = lost_once,
                                         .joins = q.joins_next});
    SLUICE_ASSERT(taken);
    if (!watch_.armed()) shard_.timers().arm(watch_, shard_.now() + limits_.stalled_after);
    shard_.at_turn_end(flush_);
}

bool connection::leave(query_run& q)
{
    q.on = nullptr;
    const auto unsent = pipeline_.leave(ticket_of(q));
    if (unsent && unsent->prepare) forget(q.what);
    if (pipeline_.idle()) {
        move_on();
        owner_.has_room(*this);
    }
    return !unsent;
}

void connection::on_writable(completion)
{
    if (!ended_ && !flush()) lose(message_of(handle_.get()));
}

void connection::send_all()
{
    if (ended_) return;
    for (auto a = pipeline_.next(); a.what != pipeline::action::kind::none; a = pipeline_.next())
        if (!send(a)) return lose(message_of(handle_.get()));
    if (!flush()) lose(message_of(handle_.get()));
}

bool connection::send(const pipeline::action& a)
{
    pg_conn* c = handle_.get();
    if (a.what == pipeline::action::kind::sync) return sync(c);
    const query_run& q = *query_of(a.query);
    const parameters& with = q.with;
    if (!limits_.own_session || q.what.name[0] == '\0') {
        if (a.prepare) {
            if (PQsendQueryParams(c, to_be_durable(), 0, nullptr, nullptr, nullptr, nullptr, 1) != 1) return false;
            preparing_.push_back(&q.what);
        }
        return PQsendQueryParams(c, text_with_trace(q), with.count(), with.types(), with.values(), with.lengths(),
                                 with.formats(), 1) == 1;
    }
    prepared& known = statements_[&q.what];
    if (a.prepare) {
        // A name of its own each time: whether the one before is still there, nobody can tell. Behind a pooler that was
        // not said to be one, others prepare in the same session.
        if (std::exchange(known.taken, true)) known.name = fmt::format("{}:{:x}", q.what.name, random_bits());
        known.there = true;
        if (PQsendPrepare(c, known.name.c_str(), q.what.sql, with.count(), with.types()) != 1) return false;
        preparing_.push_back(&q.what);
    }
    return PQsendQueryPrepared(c, known.name.c_str(), with.count(), with.values(), with.lengths(), with.formats(), 1) ==
           1;
}

// Whose it is, for the server's log and pg_stat_activity, in the form of sqlcommenter. It stands behind a semicolon,
// where it is no part of the statement: before PostgreSQL 16, pg_stat_statements would count each BEGIN as another.
const char* connection::text_with_trace(const query_run& q)
{
    if (q.request == nullptr || q.request->trace.trace_id == trace_context().trace_id) return q.what.sql;
    char parent[traceparent_size];
    q.request->trace.write_traceparent(parent);
    text_.assign(q.what.sql).append("; /*traceparent='").append(parent, sizeof parent).append("'*/");
    return text_.c_str();
}

bool connection::flush()
{
    const int left = PQflush(handle_.get());
    if (left > 0 && !write_poll_.in_flight()) shard_.ring().poll(PQsocket(handle_.get()), POLLOUT, write_poll_);
    return left >= 0;
}

// It comes before the answer of the sync that committed, and after that of the one before.
void connection::take_notice(void* self, const pg_result* notice)
{
    if (is_unreplicated(notice)) static_cast<connection*>(self)->unreplicated_ = true;
    note(notice);
}

void connection::listen()
{
    if (!read_poll_.in_flight()) shard_.ring().poll(PQsocket(handle_.get()), POLLIN, read_poll_);
}

void connection::read()
{
    if (ended_) return;
    const bool encrypted = PQsslInUse(handle_.get()) != 0 || PQgssEncInUse(handle_.get()) != 0;
    for (int i = 0; i < (encrypted ? encrypted_reads : 1); ++i)
        if (PQconsumeInput(handle_.get()) == 0) break; // answers may stand before the end
    take_answers();
    if (ended_) return;
    if (PQstatus(handle_.get()) == CONNECTION_BAD) return lose(message_of(handle_.get()));
    if (!flush()) return lose(message_of(handle_.get()));
    if (encrypted && !pipeline_.idle()) shard_.timers().arm(watch_, shard_.now() + encrypted_look);
    listen();
    if (is_left_for_another(*handle_, limits_.wanted)) retire();
    owner_.has_room(*this);
}

void connection::take_answers()
{
    std::size_t answers = 0;
    // Nothing stands between the results of two queries, and nothing twice at the end of what is there.
    for (bool between = false; PQisBusy(handle_.get()) == 0;) {
        pg_result* next = PQgetResult(handle_.get());
        if (next == nullptr && between) break;
        between = next == nullptr;
        if (between) continue;
        take(next);
        ++answers;
        if (ended_) return;
    }
    if (answers == 0) return;
    // The first answers after a rest took the way to the server as well, and say little of its pace.
    if (!std::exchange(rested_, false))
        pace_ += ((shard_.now() - head_since_) / static_cast<std::int64_t>(answers) - pace_) / 8;
    head_since_ = shard_.now();
    move_on();
}

// A run of it came to its end: if it stalled, it was slow, and not in vain.
void connection::note_end(const statement& what)
{
    if (stalled_by_ == &what) stalled_by_ = nullptr;
    if (alone_ == &what) owner_.ran_alone(what);
}

// Its head is another.
void connection::move_on()
{
    cancelling_head_ = false;
    // What was cancelled by mistake runs again.
    const bool was_alone = pipeline_.idle() && std::exchange(alone_, nullptr) != nullptr;
    // What runs elsewhere by now may wait for the same, and a write may still be found to have come to its end.
    if (stalled_ && !pipeline_.committing() && !pipeline_.next_is_nobodys()) {
        const statement* by = stalled_by_constant();
        stalled_ = false;
        owner_.moves_again(by);
    } else if (was_alone || (stalled_ && stalled_by_ == nullptr)) {
        owner_.moves_again(nullptr); // others of its kind wait for that no more
    }
}

void connection::take(pg_result* owned)
{
    result_handle next(owned);
    const auto status = PQresultStatus(owned);
    if (status == PGRES_PIPELINE_SYNC) {
        const bool unreplicated = std::exchange(unreplicated_, false);
        if (auto decided = pipeline_.on_sync()) {
            if (unreplicated) {
                decided->becomes = pipeline::verdict::failed;
                query_of(decided->query)->failure = not_replicated();
            }
            const query_run& done = *query_of(decided->query);
            if (decided->becomes == pipeline::verdict::answered) note_end(done.what);
            if (!done.read_only) owner_.takes_changes(true, done.what.is_change);
            decide(*decided);
        }
        if (pipeline_.size() > 0) shard_.at_turn_end(flush_);
        return;
    }
    if (PQstatus(handle_.get()) == CONNECTION_BAD || (status == PGRES_FATAL_ERROR && ends_session(owned))) {
        if (pipeline_.working()) owner_.failed(sql_state(owned));
        return lose(message_of(handle_.get()));
    }
    if (!pipeline_.working() && !pipeline_.syncing()) return lose("an answer came that nothing had asked for");

    query_run* q = query_of(pipeline_.expected());
    const auto kind = kind_of(owned, q);
    const bool failed = kind != pipeline::answer::ok && kind != pipeline::answer::aborted;
    const bool preparing = pipeline_.preparing();
    if (preparing) {
        if (kind != pipeline::answer::ok) forget(*preparing_.front());
        preparing_.pop_front();
    }
    if (failed) owner_.failed(sql_state(owned));
    if (q != nullptr && failed) note_failure(*q, sql_state(owned));
    if (failed && sql_states::cancelled(sql_state(owned)) && cancels_ > 0) --cancels_;
    const bool own = q != nullptr && kind == pipeline::answer::ok && !preparing;
    const auto decided = pipeline_.on_answer(kind);
    // What runs again has not failed.
    const bool over = preparing ? pipeline_.unprepared() : decided.has_value();
    // A write ends with its sync.
    const bool refused = q != nullptr && failed && over && !was_turned_away(owned);
    if (refused || (own && q->what.does == access::reads)) note_end(q->what);
    if (q != nullptr && failed && over) q->failure = failure_of(*q, owned);
    if (own) q->got = rows(next.release());
    if (decided) decide(*decided);
    if (pipeline_.size() > 0) shard_.at_turn_end(flush_);
}

error connection::failure_of(const query_run& q, const pg_result* failed) const
{
    if (outdated(q, sql_state(failed))) return unavailable("The database's schema or session has changed");
    if (takes_no_changes(q, sql_state(failed))) return unavailable("The database takes no changes");
    if (ran_too_long(sql_state(failed))) return too_late(false);
    return statement_error(failed, q.what, q.with);
}

// Within a transaction it cannot be prepared again: that has failed as a whole, and only all of it can run again.
bool connection::outdated(const query_run& q, std::string_view state) const noexcept
{
    return use_ == use::leased && sql_states::stale(state) && (q.remembered || state == "42P05");
}

void connection::decide(const pipeline::decision& d)
{
    query_run& q = *query_of(d.query);
    if (d.becomes == pipeline::verdict::answered) return q.end(std::move(q.got));
    const bool refused = d.becomes == pipeline::verdict::failed && q.refused && use_ != use::leased;
    if (d.becomes == pipeline::verdict::failed && !refused) return q.end(fail(std::move(q.failure)));
    q.on = nullptr;
    owner_.returned(q, refused ? pipeline::verdict::never_sent : d.becomes);
}

void connection::forget(const statement& s) noexcept
{
    if (const auto at = statements_.find(&s); at != statements_.end()) at->second.there = false;
}

void connection::look_at_head()
{
    if (ended_ || pipeline_.idle()) return;
    const time_point now = shard_.now();
    if (PQsslInUse(handle_.get()) != 0 || PQgssEncInUse(handle_.get()) != 0) read();
    if (ended_ || pipeline_.idle()) return;
    const duration age = now - head_since_;
    if (age < limits_.stalled_after || !pipeline_.working()) {
        const time_point since = age < limits_.stalled_after ? head_since_ : now;
        if (!watch_.armed()) shard_.timers().arm(watch_, since + limits_.stalled_after);
        return;
    }
    if (age > limits_.given_up_after) return lose("it does not answer");
    const bool begins = !std::exchange(stalled_, true);
    if (begins) {
        const query_run* head = query_of(pipeline_.expected());
        stalled_by_ = head != nullptr ? &head->what : alone_;
        stalled_by_is_constant_ = head != nullptr ? is_constant(head->what) : alone_is_constant_;
    }
    if (use_ != use::leased)
        pipeline_.hand_over([this](const pipeline::submission& asked, bool sent) {
            query_run& q = *query_of(asked.query);
            q.on = nullptr;
            if (sent) owner_.moved();
            if (!sent && asked.prepare) forget(q.what);
            owner_.returned(q, pipeline::verdict::never_sent);
        });
    if (begins) owner_.stalled(*this);
    // Once may not do: a pooler drops it where the statement still waits for a session.
    const bool asked = cancelling_head_ && cancelled_lately();
    if (pipeline_.head_is_nobodys() && !asked && cancel_head()) {
        cancelling_head_ = true;
        await_cancelled();
        owner_.cancelled(*this);
    }
    shard_.timers().arm(watch_, now + limits_.stalled_after);
}

bool connection::abandon()
{
    const bool works = !ended_ && pipeline_.working();
    retire();
    if (works && !cancel_running(*handle_))
        return false; // what runs is nobody's, and so is cancelled once that is possible
    lose({});
    return works;
}

void connection::lose(std::string why)
{
    if (ended_) return;
    ended_ = true;
    if (read_poll_.in_flight()) shard_.ring().abandon(read_poll_);
    if (write_poll_.in_flight()) shard_.ring().abandon(write_poll_);
    for (timer* t : std::array<timer*, 2>{&watch_, &calm_})
        if (t->armed()) shard_.timers().cancel(*t);
    handle_.reset();
    while (const auto decided = pipeline_.on_lost()) decide(*decided);
    owner_.ended(*this, std::move(why));
}

} // namespace sluice::postgres

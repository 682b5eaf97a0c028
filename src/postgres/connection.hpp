// One connection to PostgreSQL on its shard: libpq without blocking, in pipeline mode, told by the ring when to read.
//
// The pipeline decides what is sent and what an answer means; this moves the bytes, keeps the names of the prepared
// statements, and watches the clock. What was submitted in a turn leaves at its end in one flight, or, where enough of
// them are on their way, with a later one. It always reads while it writes. A head that runs too long makes it stalled:
// it takes nothing new, its owner gets back all that can run elsewhere, and an answer that nobody waits for any more is
// cancelled on the server.
//
// Owned by a pool, which must outlive it. It dies only outside its own calls.
#pragma once

#include "postgres/connect.hpp"
#include "postgres/pipeline.hpp"
#include "postgres/query_run.hpp"
#include "shard/back_off.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/ring/operation.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/timer.hpp>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::postgres {

// What a connection tells its pool. None of it may destroy the connection.
class connection_owner
{
public:
    // The query's end on this connection, other than an answer: it may run elsewhere.
    virtual void returned(query_run& q, pipeline::verdict why) = 0;
    virtual void failed(std::string_view sql_state) = 0;    // a statement did
    virtual void has_room(connection& c) = 0;               // it can take more than before
    virtual void stalled(connection& c) = 0;                // its head runs long; it takes nothing
    virtual void moves_again(const statement* in_vain) = 0; // it was stalled; by what, if that came to no end
    virtual void ran_alone(const statement& what) = 0;      // to its end
    virtual void moved() = 0;                               // a read that was sent runs elsewhere as well
    virtual bool cancel(const back_end& of) = 0;            // by a statement elsewhere; false: nothing can take it
    virtual void cancelled(connection& c) = 0;              // it asked the server to cancel
    virtual void takes_changes(bool so, bool a_change) = 0; // one was made, or refused for good
    virtual void ended(connection& c, std::string why) = 0;

protected:
    ~connection_owner() = default;
};

struct connection_limits
{
    std::size_t queries_max = 1024;
    std::size_t flights_max = 3; // of reads that share a sync
    bool own_session = true;     // no pooler gives it to others: it keeps statements' names, and what it was told
    server_kind wanted = server_kind::any; // leave one that is not of it any more
    back_end served_by = {};
    duration stalled_after{0};
    duration age_max{0};        // each has one of its own, up to a tenth less
    duration given_up_after{0}; // a head that does not end, not even cancelled
    duration server_timeout{0}; // after which the server itself cancels a statement; zero: never
};

// How old one of several may become that were made together: up to a tenth less, so that not all are old at once.
[[nodiscard]] inline duration age_of_one(duration age_max) { return age_max - jittered(age_max / 10); }

class connection
{
public:
    connection(shard& on, connection_handle made, connection_owner& owner, const connection_limits& limits);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Takes a query; not when it is full or has ended.
    void submit(query_run& q);
    // What is submitted next stalls elsewhere, or has in vain: nothing gets behind it.
    void run_alone(const statement& what) noexcept
    {
        alone_ = &what;
        alone_is_constant_ = is_constant(what);
    }
    [[nodiscard]] const statement* alone() const noexcept { return alone_; }
    // A cancellation is under way, and may meet whatever runs next.
    [[nodiscard]] bool cancelling() const noexcept;
    // The query's waiter goes away: on the wire, its answer is nobody's from now on.
    bool leave(query_run& q); // had it been sent?
    enum class use : std::uint8_t
    {
        shared,
        reserved, // it takes nothing new, and will be a transaction's once it is idle
        leased,   // it belongs to one transaction: what fails there fails, and does not run again
    };
    void set_use(use how) noexcept { use_ = how; }
    [[nodiscard]] use in_use() const noexcept { return use_; }
    // Takes nothing new; the owner buries it once it is idle.
    void retire() noexcept { retiring_ = true; }
    // Ends it now: everything it holds goes back. Without a reason it was meant to end.
    void give_up(std::string why) { lose(std::move(why)); }
    // Ends it with a transaction still on it: the server rolls back, and is asked to cancel what runs; was it? Where
    // too many ask already, the end comes when it has been.
    bool abandon();

    [[nodiscard]] bool idle() const noexcept { return pipeline_.idle(); }
    [[nodiscard]] bool takes() const noexcept
    {
        return !ended_ && !retiring_ && use_ == use::shared && !stalled_ && alone_ == nullptr && !pipeline_.full();
    }
    [[nodiscard]] bool is_stalled() const noexcept { return stalled_; }
    [[nodiscard]] bool is_retiring() const noexcept { return retiring_; }
    [[nodiscard]] bool has_ended() const noexcept { return ended_; }
    // May it be destroyed now?
    [[nodiscard]] bool at_rest() const noexcept { return !flush_.queued; }
    [[nodiscard]] std::size_t size() const noexcept { return pipeline_.size(); }
    [[nodiscard]] std::size_t writes() const noexcept { return pipeline_.writes(); }
    // How long an answer takes of late, one by one.
    [[nodiscard]] duration pace() const noexcept { return pace_; }
    [[nodiscard]] const back_end& served_by() const noexcept { return limits_.served_by; }
    [[nodiscard]] time_point made_at() const noexcept { return made_at_; }
    // When it is too old.
    [[nodiscard]] time_point renew_at() const noexcept { return renew_at_; }
    [[nodiscard]] time_point idle_since() const noexcept { return head_since_; }
    // Whose run has it stalled, while it is.
    [[nodiscard]] const statement* stalled_by() const noexcept { return stalled_ ? stalled_by_ : nullptr; }
    // The same where it may be remembered: one of a transaction, or without a name, may be no constant of the program.
    [[nodiscard]] const statement* stalled_by_constant() const noexcept
    {
        return use_ == use::leased || retiring_ || !stalled_by_is_constant_ ? nullptr : stalled_by();
    }

private:
    struct prepared
    {
        std::string name; // on this connection
        std::string sql;
        bool taken = false; // the name is: by an earlier form of it, or by another
        bool there = false; // or on its way
    };

    // One without a name need not live longer than its query.
    static bool is_constant(const statement& s) noexcept { return s.name[0] != '\0'; }
    static void take_notice(void* self, const pg_result* notice);
    void on_readable(completion) { read(); }
    void on_writable(completion);
    void send_all();
    [[nodiscard]] bool send(const pipeline::action& a);
    [[nodiscard]] const char* text_with_trace(const query_run& q);
    [[nodiscard]] bool flush();
    void read();
    void take_answers();
    void take(pg_result* owned);
    [[nodiscard]] pipeline::answer kind_of(const pg_result* result, query_run* of) const;
    // PostgreSQL signals twice for one cancellation (the process and its group): the second may meet what runs next.
    [[nodiscard]] bool cancelled_lately() const noexcept;
    [[nodiscard]] bool ran_too_long(std::string_view state) const noexcept;
    [[nodiscard]] error failure_of(const query_run& q, const pg_result* failed) const;
    [[nodiscard]] bool outdated(const query_run& q, std::string_view state) const noexcept;
    [[nodiscard]] bool takes_no_changes(const query_run& q, std::string_view state) const noexcept;
    void note_failure(query_run& q, std::string_view state);
    void note_refusal(query_run& q);
    void decide(const pipeline::decision& d);
    void forget(const statement& s) noexcept;
    void look_at_head();
    [[nodiscard]] bool cancel_head();
    void await_cancelled();
    void has_calmed();
    void note_end(const statement& what);
    void move_on();
    void lose(std::string why);
    void listen();

    shard& shard_;
    connection_handle handle_;
    connection_owner& owner_;
    connection_limits limits_;
    pipeline pipeline_;
    std::unordered_map<const statement*, prepared> statements_;
    std::deque<const statement*> preparing_; // on the wire, whoever still waits for them
    std::string text_;                       // of the last statement without a name
    bound<ready, &connection::send_all> flush_{*this};
    bound<operation, &connection::on_readable> read_poll_{*this};
    bound<operation, &connection::on_writable> write_poll_{*this};
    bound<timer, &connection::look_at_head> watch_{*this};
    bound<timer, &connection::has_calmed> calm_{*this};
    time_point made_at_;
    time_point renew_at_;
    time_point head_since_; // when the last answer came, or it ceased to be idle
    duration pace_{0};
    const statement* stalled_by_ = nullptr;
    const statement* alone_ = nullptr; // until it is idle again
    bool stalled_by_is_constant_ = false;
    bool alone_is_constant_ = false;
    unsigned cancels_ = 0; // asked for, and not met in an answer: they may be yet
    std::optional<time_point> cancelled_at_;
    bool beginning_ = false; // what was submitted last was a BEGIN
    bool rested_ = true;     // it was idle when the flight that is answered next left
    bool cancelling_head_ = false;
    bool unreplicated_ = false; // so the server said of the commit that is answered next
    use use_ = use::shared;
    bool retiring_ = false;
    bool stalled_ = false;
    bool ended_ = false;
};

} // namespace sluice::postgres

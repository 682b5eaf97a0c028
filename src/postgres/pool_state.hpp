// What a pool knows: its connections, who waits for one, and when to make another.
//
// Which connection a query gets, and when that makes the pool grow, is decided in choose() and nowhere else. See
// docs/decisions/0008-postgresql-pool.md.
#pragma once

#include "postgres/connection.hpp"
#include "postgres/pool_metrics.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/postgres/pool.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/timer.hpp>
#include <sluice/shard/wait.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::postgres {

// A connection that one transaction has for itself. Null once the connection has ended.
struct lease : list_node<lease>
{
    connection* on = nullptr;
    time_point since = {}; // it has the connection, or wants one
    wait granted;
};

class pool_state final : public connection_owner
{
public:
    pool_state(shard& on, offload_pool& blocking, pool_options options);
    ~pool_state();

    // Gives the query to a connection, or lets it wait for one; at a bound it ends at once.
    void submit(query_run& q);
    // Its waiter goes away.
    bool leave(query_run& q); // had it been sent?

    // Waits until the lease has a connection.
    [[nodiscard]] task<result<void>> take(lease& l);
    // `clean`: nothing of the transaction is left on it. Otherwise it is closed.
    void give_back(lease& l, bool clean);

    [[nodiscard]] pool_counters counters();
    // A query has come to its end, whatever that was.
    void answered(const statement& what, time_point began)
    {
        if (metrics_) metrics_->answered(what, shard_.now() - began);
    }
    [[nodiscard]] const pool_options& options() const noexcept { return options_; }
    [[nodiscard]] shard& home() noexcept { return shard_; }
    // Its time is over: on a connection, or in the queue for one.
    void count_timeout(const query_run& q) noexcept
    {
        ++(q.on != nullptr ? counters_.statement_timeouts : counters_.timeouts);
    }

private:
    using queue = intrusive_list<query_run, query_run>;

    // connection_owner:
    void returned(query_run& q, pipeline::verdict why) override;
    void failed(std::string_view sql_state) override;
    void has_room(connection& c) override;
    void stalled(connection& c) override;
    void moves_again(const statement* in_vain) override;
    void ran_alone(const statement& what) override { std::erase(in_vain_, &what); }
    void moved() override { ++counters_.moved; }
    bool cancel(const back_end& of) override;
    void cancelled(connection& c) override;
    void takes_changes(bool so, bool a_change) override;
    void ended(connection& c, std::string why) override;

    [[nodiscard]] connection* choose(const query_run& q);
    [[nodiscard]] connection* first_for_read() noexcept;
    [[nodiscard]] connection* first_without_writes() noexcept;
    [[nodiscard]] connection* idle_one(const connection* except) noexcept;
    [[nodiscard]] connection* calm_one(const connection* except) noexcept; // idle, and not cancelling
    [[nodiscard]] connection* canceller(const back_end& of) noexcept;
    [[nodiscard]] connection* least_busy(const connection* except = nullptr) noexcept;
    [[nodiscard]] bool others_work(const connection* except) const noexcept;
    [[nodiscard]] bool others_stall(const connection* except) const noexcept;
    [[nodiscard]] bool leaves_the_last(const statement& s) const noexcept;
    [[nodiscard]] bool stalls_elsewhere(const statement& s) const noexcept;
    // Did a run of it stall and come to no end, and has none since that ran alone?
    [[nodiscard]] bool stalled_in_vain(const statement* s) const noexcept
    {
        return std::ranges::find(in_vain_, s) != in_vain_.end();
    }
    void remember(const statement* in_vain)
    {
        if (in_vain != nullptr && !stalled_in_vain(in_vain)) in_vain_.push_back(in_vain);
    }
    // Does a run of it stall, or run alone? Beyond half of the connections it waits for those.
    [[nodiscard]] bool waits_for_its_kind(const statement& s) const noexcept;
    [[nodiscard]] unsigned stalled_connections() const noexcept;
    [[nodiscard]] bool known_away() const noexcept
    {
        return open_.empty() && failures_ > 0 && !hopeful_ && !is_back_elsewhere();
    }
    // Has another pool of the process connected since this one last tried?
    [[nodiscard]] bool is_back_elsewhere() const noexcept;

    void serve();
    bool serve_first(queue& waiting); // did that change anything?
    void sort_waiters();
    static void merge(queue& into, queue& from); // both the oldest first
    bool serve_leases();                         // may queries have one that was reserved?
    [[nodiscard]] unsigned count_uses(connection::use how) const noexcept;
    void grant(connection& c);
    void count_wait(time_point since)
    {
        if (metrics_) metrics_->waited(shard_.now() - since);
    }
    void count_use(const lease& l)
    {
        if (metrics_) metrics_->used(shard_.now() - l.since);
    }
    [[nodiscard]] queue& place_of(const query_run& q) noexcept;
    void enqueue(query_run& q);
    void expire_waiting();
    void expire(queue& waiting);
    void arm_patience();

    bool grow(); // is one coming?
    [[nodiscard]] task<void> connect_one();
    void connected(pipelined_connection made);
    void not_connected(const error& why);
    [[nodiscard]] task<void> cancel_on(connection& c, back_end of);
    void replenish();
    void keep_house();
    void look_again();
    // What is there now is counted at the end of a turn in which it may have changed.
    void changed() noexcept { shard_.at_turn_end(refresh_); }
    void refresh();

    shard& shard_;
    offload_pool& blocking_;
    pool_options options_;
    connection_limits limits_;
    context background_{.task = "PostgreSQL: to connect"};
    context cancelling_{.task = "PostgreSQL: to cancel"};
    std::vector<std::unique_ptr<connection>> open_; // the oldest first: where reads gather
    std::vector<std::unique_ptr<connection>> dead_;
    std::vector<const statement*> in_vain_; // they are of the program, and few
    queue waiting_;                         // for any connection
    queue writing_;                         // for any but the one that is left to the reads
    queue wary_;                            // what stalled in vain, for an idle one
    queue held_;                            // for others of their kind
    const std::array<queue*, 4> queues_ = {&waiting_, &writing_, &wary_, &held_};
    std::size_t waiters_ = 0;
    intrusive_list<lease, lease> wanted_;
    intrusive_list<lease, lease> leased_;
    unsigned connecting_ = 0;
    std::uint64_t connects_seen_ = 0; // of the process, when this pool last tried
    bool hopeful_ = false;            // the attempt under way began after another pool had connected
    unsigned failures_ = 0;           // to connect, one after the other
    time_point retry_at_ = {};
    std::string said_; // of the outage that goes on
    pool_counters counters_;
    bool change_refused_ = false; // and not only what is none
    std::optional<pool_metrics> metrics_;
    bound<ready, &pool_state::refresh> refresh_{*this};
    bound<timer, &pool_state::expire_waiting> patience_{*this};
    bound<timer, &pool_state::replenish> retry_{*this};
    bound<timer, &pool_state::keep_house> house_{*this};
    bound<timer, &pool_state::look_again> soon_{*this};
    bool closing_ = false;
};

} // namespace sluice::postgres

// Brings PostgreSQL's schema up to date as soon as the database lets it: a thread that tries until it is done.
//
// The problem: a server whose database is away, is another one's, or has a newer schema must neither end, since whoever
// restarts it mends nothing, nor touch what it does not know. The answer: it starts, is not ready, says why once for
// each reason, and is ready as soon as the reason is gone.
//
// Owned by the database, which outlives all shards. done() may be asked from any thread.
#pragma once

#include <sluice/postgres/migration.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <span>
#include <string>
#include <thread>

namespace sluice::app {

class schema_upkeep
{
public:
    // `steps` outlive it.
    schema_upkeep(postgres::session_options with, std::span<const postgres::migration> steps);

    [[nodiscard]] const std::atomic<bool>& done() const noexcept { return done_; }
    // Until the first attempt has ended, or the time has passed.
    void wait_for_the_first_attempt(duration at_most);

private:
    void run(const std::stop_token& stop);
    [[nodiscard]] bool attempt(const std::stop_token& stop);
    void note_end_of_attempt();

    postgres::session_options with_;
    std::span<const postgres::migration> steps_;
    std::string last_reason_;
    std::atomic<bool> done_ = false;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool attempted_ = false;
    std::jthread thread_; // last: it ends before what it uses
};

} // namespace sluice::app

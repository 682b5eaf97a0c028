// The one writer of a database: commits what has gathered as one transaction, and says so only afterwards.
//
// The problem: a durable commit waits for the disk, and one a request would cap a server at the disk's flushes a
// second. The answer: while one COMMIT is under way the next requests gather, and the following transaction takes all
// of them, so the cost of a flush is shared by as many as are waiting. A request that fails by itself (a constraint) is
// undone alone, by its savepoint; when BEGIN or COMMIT fails, or the whole transaction is lost, all of the group have
// failed.
//
// What the group shares (BEGIN, COMMIT, the ROLLBACK of a transaction that failed as a whole) stands in the trace of
// each of its requests, at its whole length, since each has waited for all of it, and says how many writes shared it.
// The savepoints, which wait for nothing, stand in none.
//
// Threads: submit() from any, without a lock; the requests run on the writer's own thread.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/sqlite/connection.hpp>
#include <sluice/sqlite/write_request.hpp>

#include <atomic>
#include <cstddef>
#include <thread>

namespace sluice::sqlite {

class writer
{
public:
    writer(connection c, std::size_t queue_max);
    ~writer(); // commits what is queued, then joins its thread
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;

    // False at the bound, which counts what is queued and what is being committed: nothing was queued.
    [[nodiscard]] bool submit(write_request& r) noexcept;

private:
    void push(write_request& r) noexcept;
    void serve() noexcept;
    void commit_group(write_request* first) noexcept;
    [[nodiscard]] result<void> run_group(write_request* first);
    [[nodiscard]] result<void> run_one(write_request& r);
    [[nodiscard]] result<void> run_shared(sql statement, write_request* first);

    // A request that asks the thread to end: pushed last.
    class farewell final : public write_request
    {
        const error* run(connection&) noexcept override { return nullptr; }
        void finished(const error*) noexcept override {}
    };

    connection connection_;
    const std::size_t queue_max_;
    std::atomic<std::size_t> queued_{0};
    std::atomic<write_request*> newest_{nullptr};
    farewell last_;
    std::thread thread_; // after all that it uses
};

} // namespace sluice::sqlite

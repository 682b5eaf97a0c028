// The embedded database: one SQLite file, read by a few threads and written by one.
//
//     auto name = co_await db.read([id](connection& c) { return c.query_one("SELECT …", to_name, id); });
//     auto made = co_await db.write([who](connection& c) { return c.execute("INSERT …", who); });
//
// The functions run on the database's own threads: they return a result, and own everything they use. Nothing of it
// ever runs on a shard, but what it logs names the request. What is being read or written goes on when its waiter stops
// waiting; its outcome is taken then, and dropped.
//
// Reading: each reader thread has a connection, prepared statements included. A statement sees every write that was
// acknowledged before it began; several statements of one function may each see more. A read whose waiter has left
// before it began does not run.
//
// Writing: the file is in write-ahead mode with full synchronisation, and what gathers while one commit waits for the
// disk becomes the next transaction. A write succeeds only once it is durable; one that fails is undone alone. A write
// that was queued is never abandoned: if the request's deadline passes first, the answer is errc::timeout and the
// outcome is open. A request's trace has the BEGIN and the COMMIT of its transaction, whole and with the number of
// writes that shared them (sluice.writes): it has waited for all of it.
//
// At the bounds of either queue the answer is errc::unavailable, at once.
//
// Threads: every shard may use it; it must outlive them. open() blocks: it is for start-up.
#pragma once

#include <sluice/shard/offload.hpp>
#include <sluice/sqlite/connection.hpp>
#include <sluice/sqlite/migration.hpp>
#include <sluice/sqlite/write_request.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice::sqlite {

struct database_options
{
    std::string path = "sluice.db";
    std::span<const migration> migrations = {};
    unsigned readers = 2;
    std::size_t reads_max = 1024;                    // queued
    std::size_t writes_max = 1024;                   // queued and being committed
    duration busy_timeout = std::chrono::seconds(2); // how long a statement waits for another process's lock
};

class database
{
public:
    // Opens the file, made and brought up to date where that is needed. The error is for the operator: it names the
    // file and what would mend it.
    [[nodiscard]] static result<std::unique_ptr<database>> open(const database_options& options);
    ~database(); // runs what is queued, then ends its threads
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    // What `f` returns, which is a result<T> and holds nothing of the connection.
    template <class F> [[nodiscard]] task<std::invoke_result_t<F&, connection&>> read(F f);
    template <class F> [[nodiscard]] task<std::invoke_result_t<F&, connection&>> write(F f);

    // Where reads are queued, and the threads that do them.
    [[nodiscard]] const offload_pool& read_pool() const noexcept;

private:
    struct state;
    explicit database(std::unique_ptr<state> s) noexcept;
    [[nodiscard]] offload_pool& readers() noexcept;
    [[nodiscard]] connection& reader() noexcept; // the calling reader thread's
    [[nodiscard]] bool submit(write_request& request) noexcept;

    std::unique_ptr<state> state_;
};

} // namespace sluice::sqlite

#pragma GCC visibility pop

#include <sluice/sqlite/database.inl.hpp>

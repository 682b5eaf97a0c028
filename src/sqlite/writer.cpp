#include "sqlite/writer.hpp"

#include <cstdint>
#include <utility>

namespace sluice::sqlite {

writer::writer(connection c, std::size_t queue_max)
    : connection_(std::move(c)), queue_max_(queue_max), thread_([this] { serve(); })
{}

writer::~writer()
{
    push(last_);
    thread_.join();
}

bool writer::submit(write_request& r) noexcept
{
    if (queued_.fetch_add(1, std::memory_order_relaxed) >= queue_max_) {
        queued_.fetch_sub(1, std::memory_order_relaxed);
        return false;
    }
    push(r);
    return true;
}

void writer::push(write_request& r) noexcept
{
    write_request* newest = newest_.load(std::memory_order_relaxed);
    do {
        r.next_ = newest;
    } while (!newest_.compare_exchange_weak(newest, &r, std::memory_order_release, std::memory_order_relaxed));
    if (newest == nullptr) newest_.notify_one();
}

void writer::serve() noexcept
{
    for (bool more = true; more;) {
        newest_.wait(nullptr, std::memory_order_acquire);
        write_request* newest = newest_.exchange(nullptr, std::memory_order_acquire);
        // They were pushed newest first, and are run in the order in which they came.
        write_request* oldest = nullptr;
        while (newest != nullptr) {
            write_request* next = std::exchange(newest->next_, oldest);
            oldest = std::exchange(newest, next);
        }
        for (write_request* r = oldest; r != nullptr; r = r->next_) more = more && r != &last_;
        commit_group(oldest);
        connection_.checkpoint_if_due(); // after the acknowledgements: nobody waits for it
    }
}

void writer::commit_group(write_request* first) noexcept
{
    auto done = run_group(first);
    if (!done && connection_.in_transaction()) (void)run_shared("ROLLBACK", first);
    const error* failure = done ? nullptr : &done.error();
    while (first != nullptr) {
        write_request& r = *std::exchange(first, first->next_); // may be gone once it is finished
        if (&r != &last_) queued_.fetch_sub(1, std::memory_order_relaxed);
        r.finished(failure);
    }
}

result<void> writer::run_group(write_request* first)
{
    if (auto begun = run_shared("BEGIN IMMEDIATE", first); !begun) return begun;
    for (write_request* r = first; r != nullptr; r = r->next_) {
        if (auto ran = run_one(*r); !ran) return ran;
    }
    return run_shared("COMMIT", first);
}

result<void> writer::run_shared(sql statement, write_request* first)
{
    const time_point began = steady_clock::now();
    auto ran = connection_.execute(statement);
    const time_point ended = steady_clock::now();
    std::int64_t writes = 0;
    for (const write_request* r = first; r != nullptr; r = r->next_) writes += r != &last_ ? 1 : 0;
    for (write_request* r = first; r != nullptr; r = r->next_) {
        span_log* const told = r->spans();
        span_record* const one = told != nullptr ? told->open("sqlite statement", span_kind::client) : nullptr;
        if (one == nullptr) continue;
        one->begin = began;
        one->end = ended;
        one->failed = !ran;
        one->attribute({.name = "db.system.name", .text = "sqlite"});
        one->attribute({.name = "db.query.text", .text = statement.text()});
        one->attribute({.name = "sluice.writes", .number = writes});
    }
    if (!ran) return fail(std::move(ran).error());
    return {};
}

result<void> writer::run_one(write_request& r)
{
    auto marked = connection_.execute("SAVEPOINT one");
    if (!marked) return fail(std::move(marked).error());
    if (const error* failure = r.run(connection_)) {
        // A full disk or a failing one ends the whole transaction, and with it what others had written.
        if (!connection_.in_transaction()) return fail(*failure);
        auto undone = connection_.execute("ROLLBACK TO one");
        if (!undone) return fail(std::move(undone).error());
    }
    auto released = connection_.execute("RELEASE one");
    if (!released) return fail(std::move(released).error());
    return {};
}

} // namespace sluice::sqlite

// The template part of database.hpp: the operation that a waiting coroutine and the writer share.
#pragma once

#include <sluice/core/pool.hpp>
#include <sluice/core/span.hpp>
#include <sluice/core/stage_timer.hpp>
#include <sluice/core/work_elsewhere.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/wait.hpp>
#include <sluice/sqlite/database.hpp>
#include <sluice/sqlite/operation_metrics.hpp>

#include <optional>

namespace sluice::sqlite {

namespace detail {

// Lives on the shard, and is freed there once the writer has handed it back.
template <class F> class write_operation final : public write_request, inbox_item
{
public:
    using outcome = std::invoke_result_t<F&, connection&>;

    static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { pool_deallocate(block, bytes); }

    write_operation(inbox& home, F f) : inbox_item(&back_on_shard), home_(home), f_(std::move(f)) {}

    [[nodiscard]] wait::awaiter finished_or_late() noexcept { return waiting_.until(); }
    [[nodiscard]] outcome take()
    {
        elsewhere_.bring_back();
        return *std::move(outcome_);
    }
    // Has the writer handed it back? It may have between the end of the wait and the waiter's turn.
    [[nodiscard]] bool back() const noexcept { return returned_.ended() == wait_end::completed; }
    // For a waiter that could not stay: until the writer has handed the operation back, whatever the request's end.
    [[nodiscard]] wait::awaiter returned() noexcept { return returned_.until(); }

private:
    const error* run(connection& c) noexcept override
    {
        elsewhere_.run([&] { outcome_.emplace(f_(c)); });
        return *outcome_ ? nullptr : &outcome_->error();
    }
    void finished(const error* failure) noexcept override
    {
        // Not only successes: a conflict with a row that was never committed is no conflict.
        if (failure != nullptr) outcome_.emplace(std::unexpected(*failure));
        home_.push(*this);
    }
    span_log* spans() noexcept override { return elsewhere_.spans(); }
    static void back_on_shard(inbox_item& item)
    {
        auto& self = static_cast<write_operation&>(item);
        self.waiting_.complete();
        self.returned_.complete();
    }

    inbox& home_;
    F f_;
    work_elsewhere elsewhere_;
    std::optional<outcome> outcome_;
    wait waiting_;
    wait returned_;
};

// A shard ends only after its background tasks, so the writer always finds it.
template <class F> task<void> outlive(write_operation<F>* operation)
{
    co_await operation->returned();
    delete operation;
}

} // namespace detail

template <class F> task<std::invoke_result_t<F&, connection&>> database::read(F f)
{
    const operation_timing counted(operation_timing::kind::read);
    const stage_timer querying(stage::query);
    span reading("sqlite read", span_kind::client);
    reading.attribute("db.system.name", "sqlite");
    auto work = [this, f = std::move(f)]() mutable { return f(reader()); };
    auto outcome = co_await offload(readers(), std::move(work));
    if (!outcome) reading.failed();
    co_return outcome;
}

template <class F> task<std::invoke_result_t<F&, connection&>> database::write(F f)
{
    const operation_timing counted(operation_timing::kind::write);
    const stage_timer querying(stage::query);
    span writing("sqlite write", span_kind::client);
    writing.attribute("db.system.name", "sqlite");
    auto* operation = new detail::write_operation<F>(shard::current().inbox(), std::move(f));
    if (!submit(*operation)) {
        delete operation;
        writing.failed();
        co_return fail(error{.code = errc::unavailable,
                             .detail = "Too many writes are waiting already",
                             .dependency = "sqlite",
                             .retry_after = std::chrono::seconds(1)});
    }
    const wait_end how = co_await operation->finished_or_late();
    if (!operation->back()) {
        shard::current().background().spawn(detail::outlive(operation));
        writing.failed();
        co_return fail(error{.code = how == wait_end::timeout ? errc::timeout : errc::cancelled,
                             .detail = "The deadline passed; the change may still be made",
                             .dependency = "sqlite"});
    }
    auto outcome = operation->take();
    delete operation;
    if (!outcome) writing.failed();
    co_return outcome;
}

} // namespace sluice::sqlite

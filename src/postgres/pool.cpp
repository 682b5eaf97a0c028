#include "postgres/errors.hpp"
#include "postgres/pool_state.hpp"
#include "postgres/run.hpp"

#include <sluice/postgres/pool.hpp>

namespace sluice::postgres {

pool::pool(shard& on, offload_pool& blocking, pool_options options)
    : state_(std::make_unique<pool_state>(on, blocking, std::move(options)))
{}

pool::~pool() = default;

task<result<rows>> pool::run(const statement& s, parameters with)
{
    if (auto refused = with.refusal()) co_return fail(std::move(*refused));
    query_run q(s, with);
    state_->submit(q);
    co_return co_await finish(*state_, q);
}

task<result<void>> pool::ping()
{
    static constexpr statement nothing{"sluice_ping", "SELECT 1", access::reads};
    auto answered = co_await run(nothing, {});
    if (!answered) co_return fail(std::move(answered.error()));
    co_return {};
}

pool_counters pool::counters() const { return state_->counters(); }
const pool_options& pool::options() const noexcept { return state_->options(); }

} // namespace sluice::postgres

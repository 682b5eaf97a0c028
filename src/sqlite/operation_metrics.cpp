#include <sluice/core/assert.hpp>
#include <sluice/core/thread_local.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/sqlite/operation_metrics.hpp>
#include <sluice/telemetry/database_metrics.hpp>

namespace sluice::sqlite {

namespace {

SLUICE_THREAD_LOCAL thread_local operation_metrics* of_this_thread = nullptr;

latency_histogram& histogram_of(metric_set& in, std::string_view operation)
{
    return in.histogram(database_metrics::operation_duration,
                        {{"db_system_name", "sqlite"}, {"db_operation_name", operation}});
}

} // namespace

operation_metrics::operation_metrics(metric_set& into)
    : reads_(histogram_of(into, "read")), writes_(histogram_of(into, "write"))
{
    SLUICE_ASSERT(of_this_thread == nullptr);
    of_this_thread = this;
}

operation_metrics::~operation_metrics() { of_this_thread = nullptr; }

operation_timing::operation_timing(kind what) noexcept
    : into_(of_this_thread == nullptr ? nullptr
            : what == kind::read      ? &of_this_thread->reads_
                                      : &of_this_thread->writes_),
      began_(shard::current().now())
{}

operation_timing::~operation_timing()
{
    if (into_ != nullptr) into_->record(shard::current().now() - began_);
}

} // namespace sluice::sqlite

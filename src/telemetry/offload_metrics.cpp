#include <sluice/telemetry/offload_metrics.hpp>

namespace sluice {
namespace {

constexpr metric_family queued = {"sluice_offload_queued", "Work that waits for a thread of its pool.",
                                  metric_kind::gauge};
constexpr metric_family threads = {"sluice_offload_threads", "Threads that take such work.", metric_kind::gauge};

} // namespace

void show_metrics(metric_set& in, const offload_pool& of, std::string_view name)
{
    in.read(queued, {{"pool", name}}, [&of] { return static_cast<double>(of.queued()); });
    in.read(threads, {{"pool", name}}, [&of] { return static_cast<double>(of.threads()); });
}

} // namespace sluice

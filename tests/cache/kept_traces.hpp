// Keeps the traces of all shards of a process that caches: names, and what was done below them.
#pragma once

#include "cached_process.hpp"

#include <sluice/core/span.hpp>

#include <mutex>
#include <string>
#include <vector>

namespace sluice::cache::test {

class kept_traces final : public span_sink
{
public:
    struct kept
    {
        trace_context trace;
        std::string state;
        std::string name;
        std::vector<std::string> below;
    };
    bool samples(const trace_context&) const noexcept override { return true; }
    void take(const finished_trace& finished) noexcept override
    {
        kept one = {.trace = finished.trace,
                    .state = std::string(finished.trace_state),
                    .name = std::string(finished.request.name),
                    .below = {}};
        for (const span_record& each : finished.spans.all()) one.below.emplace_back(each.name);
        const std::lock_guard lock(mutex_);
        all_.push_back(std::move(one));
    }
    std::vector<kept> all()
    {
        const std::lock_guard lock(mutex_);
        return all_;
    }

private:
    std::mutex mutex_;
    std::vector<kept> all_;
};

// From here on; with null no longer.
inline void keep_traces(cached_process& process, span_sink* in)
{
    for (unsigned on = 0; on < process.parts.size(); ++on)
        process.run(on, [in]() -> task<bool> {
            span_sink::exchange_current(in);
            co_return true;
        });
}

} // namespace sluice::cache::test

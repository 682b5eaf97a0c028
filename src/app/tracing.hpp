// The collector of traces that the settings name, and each shard's exporter to it.
//
// Made once, before the shards, and outlives them. Nothing waits for the collector to be there.
#pragma once

#include "settings.hpp"

#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <memory>

namespace sluice::app {

class tracing
{
public:
    // Null: the settings, which outlive it, name none.
    [[nodiscard]] static std::unique_ptr<tracing> of(const settings& values);

    // Once a shard: its requests record their spans from then on.
    void begin_on(shard& on);
    // The pool of threads that look up names for it.
    [[nodiscard]] const offload_pool& blocking() const noexcept { return names_; }

private:
    explicit tracing(const settings& values) : values_(values) {}

    const settings& values_;
    offload_pool names_{{.threads = 1}};
};

} // namespace sluice::app

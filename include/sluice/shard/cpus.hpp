// Which CPUs this process may run on: what the number of shards and their pinning follow.
//
// Two things bound it: the affinity mask, and the cgroup's quota of CPU time (both versions of cgroups). A container
// with a quota of two CPUs on a machine of sixty-four sees sixty-four in its mask; with as many shards it would spend
// its quota in the first milliseconds of each period and stand still for the rest.
//
// Any thread; reads files, so at start only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

// The CPUs of the calling thread's affinity mask, ascending; never empty.
[[nodiscard]] std::vector<unsigned> allowed_cpus();

// The CPU time that the cgroup and those around it allow, in CPUs (1.5: one and a half); nothing where there is no
// quota. `root` stands before /proc and /sys, for tests.
[[nodiscard]] std::optional<double> cpu_quota(const std::string& root = "");

// One for each allowed CPU, and no more than the quota's whole CPUs (half a CPU more would only be throttled), at least
// one.
[[nodiscard]] unsigned default_shards(const std::string& root = "");

} // namespace sluice

#pragma GCC visibility pop

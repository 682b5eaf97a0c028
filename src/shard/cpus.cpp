#include <sluice/shard/cpus.hpp>

#include <algorithm>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <string_view>

namespace sluice {
namespace {

std::optional<double> smaller(std::optional<double> a, std::optional<double> b)
{
    if (!a) return b;
    if (!b) return a;
    return std::min(*a, *b);
}

// Version 2: "max 100000" or "150000 100000", in microseconds of each period.
std::optional<double> quota_of_cpu_max(const std::string& folder)
{
    std::ifstream file(folder + "/cpu.max");
    double quota = 0;
    double period = 0;
    if (!(file >> quota >> period) || quota <= 0 || period <= 0) return std::nullopt;
    return quota / period;
}

// Version 1: the same in two files; a quota of -1 is none.
std::optional<double> quota_of_cfs(const std::string& folder)
{
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
    std::ifstream period_file(folder + "/cpu.cfs_period_us");
    double quota = 0;
    double period = 0;
    if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return std::nullopt;
    return quota / period;
}

// The smallest quota on the way from `group` up to the mount. A container often sees the path that its group has
// outside, which does not exist inside: then its own group is the mount itself, where this walk ends.
template <class Read>
std::optional<double> smallest_on_the_way_up(const std::string& mount, std::string group, Read read)
{
    std::optional<double> smallest;
    while (!group.empty() && group != "/") {
        smallest = smaller(smallest, read(mount + group));
        group.erase(group.rfind('/'));
    }
    return smaller(smallest, read(mount));
}

bool lists_cpu(std::string_view controllers)
{
    std::istringstream list{std::string(controllers)};
    for (std::string controller; std::getline(list, controller, ',');) {
        if (controller == "cpu") return true;
    }
    return false;
}

} // namespace

std::vector<unsigned> allowed_cpus()
{
    std::vector<unsigned> cpus;
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (::sched_getaffinity(0, sizeof mask, &mask) == 0) {
        for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
        }
    }
    if (cpus.empty()) cpus.push_back(0);
    return cpus;
}

std::optional<double> cpu_quota(const std::string& root)
{
    std::optional<double> quota;
    std::ifstream groups(root + "/proc/self/cgroup");
    // Each line is "hierarchy:controllers:path"; version 2 is hierarchy 0 and names no controllers.
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (!group.starts_with('/')) continue;
        if (controllers.empty()) {
            quota = smaller(quota, smallest_on_the_way_up(root + "/sys/fs/cgroup", group, quota_of_cpu_max));
        } else if (lists_cpu(controllers)) {
            for (const std::string& mount : {std::string("cpu"), controllers}) {
                quota = smaller(quota, smallest_on_the_way_up(root + "/sys/fs/cgroup/" + mount, group, quota_of_cfs));
            }
        }
    }
    return quota;
}

unsigned default_shards(const std::string& root)
{
    const auto cpus = static_cast<unsigned>(allowed_cpus().size());
    const std::optional<double> quota = cpu_quota(root);
    if (!quota || *quota >= cpus) return cpus;
    return std::max(1U, static_cast<unsigned>(*quota));
}

} // namespace sluice

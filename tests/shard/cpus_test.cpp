// How many shards there are by default: on the real machine, and on machines made of files.
#include <sluice/shard/cpus.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sched.h>

namespace sluice {
namespace {

class Cpus : public testing::Test
{
protected:
    Cpus()
    {
        std::string pattern = testing::TempDir() + "cpus-XXXXXX";
        root_ = ::mkdtemp(pattern.data());
    }
    ~Cpus() override { std::filesystem::remove_all(root_); }

    void write(const std::string& path, const std::string& text) const
    {
        const std::filesystem::path file = root_ + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    std::string root_;
};

TEST_F(Cpus, follows_the_affinity_mask)
{
    cpu_set_t before;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    const unsigned one = allowed_cpus().back();
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(one, &only);
    ASSERT_EQ(::sched_setaffinity(0, sizeof only, &only), 0);
    EXPECT_EQ(allowed_cpus(), std::vector<unsigned>{one});
    EXPECT_EQ(default_shards(root_), 1U);
    ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
    EXPECT_EQ(default_shards(root_), allowed_cpus().size());
}

TEST_F(Cpus, has_no_quota_where_no_group_sets_one)
{
    EXPECT_FALSE(cpu_quota(root_));
    write("/proc/self/cgroup", "0::/service\n");
    EXPECT_FALSE(cpu_quota(root_));
    write("/sys/fs/cgroup/service/cpu.max", "max 100000\n");
    EXPECT_FALSE(cpu_quota(root_));
}

TEST_F(Cpus, reads_a_quota_of_version_2)
{
    write("/proc/self/cgroup", "0::/service\n");
    write("/sys/fs/cgroup/service/cpu.max", "150000 100000\n");
    EXPECT_EQ(cpu_quota(root_), 1.5);
    EXPECT_EQ(default_shards(root_), 1U);
}

TEST_F(Cpus, takes_the_smallest_quota_of_the_groups_around_it)
{
    write("/proc/self/cgroup", "0::/slice/service/worker\n");
    write("/sys/fs/cgroup/slice/cpu.max", "50000 100000\n");
    write("/sys/fs/cgroup/slice/service/cpu.max", "400000 100000\n");
    write("/sys/fs/cgroup/slice/service/worker/cpu.max", "max 100000\n");
    EXPECT_EQ(cpu_quota(root_), 0.5);
    EXPECT_EQ(default_shards(root_), 1U);
}

TEST_F(Cpus, finds_the_quota_of_a_container_that_sees_its_outside_path)
{
    write("/proc/self/cgroup", "0::/docker/0123\n");
    write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    EXPECT_EQ(cpu_quota(root_), 2.0);
}

TEST_F(Cpus, reads_a_quota_of_version_1)
{
    write("/proc/self/cgroup", "5:memory:/m\n3:cpu,cpuacct:/service\n2:cpuset:/\n");
    write("/sys/fs/cgroup/cpu,cpuacct/service/cpu.cfs_quota_us", "-1\n");
    write("/sys/fs/cgroup/cpu,cpuacct/service/cpu.cfs_period_us", "100000\n");
    EXPECT_FALSE(cpu_quota(root_));
    write("/sys/fs/cgroup/cpu,cpuacct/service/cpu.cfs_quota_us", "300000\n");
    EXPECT_EQ(cpu_quota(root_), 3.0);
    write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
    write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(cpu_quota(root_), 1.0);
}

TEST_F(Cpus, ignores_files_that_make_no_sense)
{
    write("/proc/self/cgroup", "nonsense\n0:\n0::relative\n0::/service\n");
    write("/sys/fs/cgroup/service/cpu.max", "0 0\n");
    EXPECT_FALSE(cpu_quota(root_));
    EXPECT_GE(default_shards(root_), 1U);
}

} // namespace
} // namespace sluice

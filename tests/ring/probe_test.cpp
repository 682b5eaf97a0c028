// What is said about a kernel that refuses: by real refusals in a child process where the machine can be left alone,
// and by files in the place of /proc where it would have to be changed.
#include "ring/refusal.hpp"

#include <sluice/ring/probe.hpp>

#include <gtest/gtest.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <unistd.h>

namespace sluice {
namespace {

constexpr uid_t nobody = 65534;

class Probe : public ::testing::Test
{
protected:
    Probe()
    {
        std::string pattern = ::testing::TempDir() + "probe-XXXXXX";
        proc_ = ::mkdtemp(pattern.data());
    }
    ~Probe() override { std::filesystem::remove_all(proc_); }

    void write(const std::string& path, const std::string& text) const
    {
        const std::filesystem::path file = proc_ + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    [[nodiscard]] kernel_source source() const { return {.proc = proc_}; }

    std::string proc_;
};

// What `speak` says in a process of its own that `prepare` has put under restrictions.
std::string said_in_child(const std::function<void()>& prepare, const std::function<std::string()>& speak)
{
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        prepare();
        const std::string text = speak();
        (void)!::write(ends[1], text.data(), text.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string text;
    std::array<char, 512> piece{};
    for (ssize_t got = 0; (got = ::read(ends[0], piece.data(), piece.size())) > 0;) {
        text.append(piece.data(), static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return text;
}

// Of require_kernel; empty if it is content.
std::string said_under(const std::function<void()>& prepare, const kernel_needs& needs)
{
    return said_in_child(prepare, [&] {
        const result<void> judged = require_kernel(needs);
        return judged ? std::string() : judged.error().detail;
    });
}

void refuse_by_seccomp(unsigned call, int error_number)
{
    std::array<sock_filter, 4> filter = {{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, call},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<unsigned>(error_number)},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    sock_fprog program = {.len = filter.size(), .filter = filter.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(1);
}

void limit(__rlimit_resource what, rlim_t to)
{
    const rlimit both = {.rlim_cur = to, .rlim_max = to};
    if (::setrlimit(what, &both) != 0) ::_exit(1);
}

void become_unprivileged()
{
    if (::geteuid() == 0 && ::setresuid(nobody, nobody, nobody) != 0) ::_exit(1);
}

void expect_contains(const std::string& text, std::initializer_list<std::string_view> parts)
{
    for (const std::string_view part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " in: " << text;
}

TEST_F(Probe, is_content_with_the_kernel_that_runs_these_tests)
{
    const result<void> judged = require_kernel({.shards = 2, .connections = 100});
    EXPECT_TRUE(judged) << judged.error().detail;
    const auto findings = probe_kernel({.shards = 1});
    const auto named = [&](std::string_view what) {
        return std::ranges::any_of(findings, [&](const kernel_finding& one) { return one.what.starts_with(what); });
    };
    for (const char* what : {"Linux ", "open files", "io_uring, with", "io_uring operation accept",
                             "io_uring operation msg_ring", "provided buffer", "lockable memory", "zero-copy send",
                             "bundled receive", "incremental buffers", "NAPI", "waits without iowait"}) {
        EXPECT_TRUE(named(what)) << what;
    }
}

TEST_F(Probe, names_the_seccomp_profile_that_refuses_io_uring)
{
    for (const int number : {EPERM, ENOSYS}) {
        expect_contains(said_under([&] { refuse_by_seccomp(__NR_io_uring_setup, number); }, {}),
                        {"io_uring_setup", "seccomp", ": allow io_uring_setup", "--security-opt"});
    }
    expect_contains(said_under([] { refuse_by_seccomp(__NR_io_uring_register, EPERM); }, {}),
                    {"io_uring_register is refused by a seccomp filter: allow"});
    expect_contains(said_under([] { refuse_by_seccomp(__NR_io_uring_enter, EPERM); }, {}),
                    {"io_uring_enter is refused by a seccomp filter: allow"});
}

TEST_F(Probe, names_the_limit_of_open_files)
{
    expect_contains(said_under([] { limit(RLIMIT_NOFILE, 20); }, {}),
                    {"open files: 20 allowed, 200 needed", ": raise RLIMIT_NOFILE", "ulimit -n", "to 200 or more"});
    expect_contains(said_under([] { limit(RLIMIT_NOFILE, 1000); }, {.shards = 2, .connections = 5000}),
                    {"open files: 1000 allowed, 5144 needed for 5000 connections", "or lower limits.connections"});
    EXPECT_EQ(said_under([] { limit(RLIMIT_NOFILE, 200); }, {}), "");
}

// Whether rings count against the limit differs between kernels, so what is said must agree with what can be made.
TEST_F(Probe, names_the_limit_of_lockable_memory_where_rings_do_not_fit_into_it)
{
    for (const rlim_t bytes : {rlim_t(0), rlim_t(64 * 1024), rlim_t(300 * 1024)}) {
        const auto restrict_memory = [&] {
            limit(RLIMIT_MEMLOCK, bytes);
            become_unprivileged();
        };
        const std::string said = said_under(restrict_memory, {.shards = 2});
        const std::string made = said_in_child(restrict_memory, [] {
            const auto first = ring::create({});
            const auto second = ring::create({});
            return std::string(first && second ? "" : "refused");
        });
        EXPECT_EQ(said.empty(), made.empty()) << said;
        if (!said.empty())
            expect_contains(said, {"lockable memory", ": raise RLIMIT_MEMLOCK", "ulimit -l", "KiB or more"});
    }
}

TEST_F(Probe, names_a_kernel_that_is_too_old)
{
    write("/sys/kernel/osrelease", "5.10.0-28-amd64\n");
    const result<void> judged = require_kernel({}, source());
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().detail, "Linux 5.10.0-28-amd64 is older than 6.1: run Linux 6.1 or later");
    write("/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    EXPECT_TRUE(require_kernel({}, source()));
}

TEST_F(Probe, tells_the_switch_from_the_filter_from_the_missing_part)
{
    write("/sys/kernel/io_uring_disabled", "2\n");
    EXPECT_EQ(explain_setup_refusal(EPERM, source()).mend, "sysctl kernel.io_uring_disabled=0");
    write("/sys/kernel/io_uring_disabled", "1\n");
    expect_contains(explain_setup_refusal(EPERM, source()).mend, {"kernel.io_uring_group"});
    write("/sys/kernel/io_uring_disabled", "0\n");
    expect_contains(explain_setup_refusal(EPERM, source()).mend, {"security module"});
    expect_contains(explain_setup_refusal(ENOSYS, source()).mend, {"CONFIG_IO_URING"});
    write("/self/status", "Name:\tsluice\nSeccomp:\t2\n");
    expect_contains(explain_setup_refusal(EPERM, source()).mend, {"seccomp profile"});
    expect_contains(explain_setup_refusal(ENOSYS, source()).mend, {"seccomp profile"});
    expect_contains(explain_setup_refusal(ENOMEM, source()).mend, {"RLIMIT_MEMLOCK"});
    expect_contains(explain_setup_refusal(EMFILE, source()).mend, {"RLIMIT_NOFILE"});
    expect_contains(explain_setup_refusal(EINVAL, source()).mend, {"Linux 6.1"});
}

TEST(KernelRelease, is_compared_by_number)
{
    EXPECT_TRUE(release_at_least("6.1.0", 6, 1));
    EXPECT_TRUE(release_at_least("6.10.3-arch", 6, 1));
    EXPECT_TRUE(release_at_least("7.0", 6, 1));
    EXPECT_FALSE(release_at_least("6.0.19", 6, 1));
    EXPECT_FALSE(release_at_least("5.15.0", 6, 1));
    EXPECT_FALSE(release_at_least("", 6, 1));
    EXPECT_FALSE(release_at_least("6", 6, 1));
    EXPECT_FALSE(release_at_least("six.one", 6, 1));
}

} // namespace
} // namespace sluice

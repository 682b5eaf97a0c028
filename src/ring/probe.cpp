#include "ring/compat.hpp"
#include "ring/refusal.hpp"

#include <sluice/ring/probe.hpp>

#include <fmt/format.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <unistd.h>
#include <utility>

namespace sluice {
namespace {

constexpr unsigned oldest_major = 6;
constexpr unsigned oldest_minor = 1;

struct named_operation
{
    int code;
    std::string_view name;
};

// What the ring layer submits.
constexpr std::array needed_operations = {
    named_operation{IORING_OP_ACCEPT, "accept"},     named_operation{IORING_OP_RECV, "recv"},
    named_operation{IORING_OP_SEND, "send"},         named_operation{IORING_OP_SENDMSG, "sendmsg"},
    named_operation{IORING_OP_POLL_ADD, "poll_add"}, named_operation{IORING_OP_CONNECT, "connect"},
    named_operation{IORING_OP_READ, "read"},         named_operation{IORING_OP_WRITE, "write"},
    named_operation{IORING_OP_TIMEOUT, "timeout"},   named_operation{IORING_OP_ASYNC_CANCEL, "async_cancel"},
    named_operation{IORING_OP_CLOSE, "close"},       named_operation{IORING_OP_MSG_RING, "msg_ring"},
};

constexpr std::size_t connections_min = 64; // fewer are no server

// A ring that is thrown away.
class trial_ring
{
public:
    // 0, or what the kernel said.
    [[nodiscard]] int open(unsigned submissions, unsigned completions)
    {
        io_uring_params parameters{};
        parameters.flags =
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        parameters.cq_entries = completions;
        const int failed = ::io_uring_queue_init_params(submissions, &uring_, &parameters);
        if (failed < 0) return -failed;
        open_ = true;
        features_ = parameters.features;
        return 0;
    }
    trial_ring() = default;
    trial_ring(const trial_ring&) = delete;
    trial_ring& operator=(const trial_ring&) = delete;
    ~trial_ring()
    {
        if (open_) ::io_uring_queue_exit(&uring_);
        if (buffers_ != MAP_FAILED) ::munmap(buffers_, buffers_bytes_);
    }

    // 0, or what the kernel said.
    [[nodiscard]] int provide_buffers(unsigned entries, std::uint16_t flags)
    {
        buffers_bytes_ = entries * sizeof(io_uring_buf);
        buffers_ = ::mmap(nullptr, buffers_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (buffers_ == MAP_FAILED) return ENOMEM;
        buffer_registration what = {.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_),
                                    .ring_entries = entries,
                                    .bgid = 0,
                                    .flags = flags,
                                    .resv = {}};
        return attempt(IORING_REGISTER_PBUF_RING, &what, 1);
    }
    [[nodiscard]] int register_napi()
    {
        napi_registration what = {.busy_poll_us = 1, .prefer_busy_poll = 0, .pad = {}, .resv = 0};
        return attempt(sluice::register_napi, &what, 1);
    }
    [[nodiscard]] bool has_feature(unsigned feature) const noexcept { return (features_ & feature) != 0; }
    [[nodiscard]] io_uring& uring() noexcept { return uring_; }

private:
    // Not by liburing's helpers: its oldest versions drop the flags that are asked for here.
    [[nodiscard]] int attempt(unsigned what, void* argument, unsigned count)
    {
        return ::syscall(__NR_io_uring_register, uring_.ring_fd, what, argument, count) < 0 ? errno : 0;
    }

    io_uring uring_{};
    bool open_ = false;
    unsigned features_ = 0;
    void* buffers_ = MAP_FAILED;
    std::size_t buffers_bytes_ = 0;
};

std::size_t page_rounded(std::size_t bytes)
{
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

// What the kernel holds for one ring: newer ones count it against RLIMIT_MEMLOCK.
std::size_t locked_bytes(const ring_options& ring)
{
    constexpr std::size_t header = 4096; // heads, tails and flags beside the entries
    return page_rounded(ring.submissions * sizeof(io_uring_sqe)) +
           page_rounded(header + ring.completions * sizeof(io_uring_cqe) + ring.submissions * sizeof(std::uint32_t)) +
           page_rounded(ring.buffers * sizeof(io_uring_buf));
}

class prober
{
public:
    prober(const kernel_needs& needs, const kernel_source& from) : needs_(needs), from_(from) {}

    std::vector<kernel_finding> run() &&
    {
        version();
        files();
        trial_ring trial;
        if (setup(trial)) {
            operations();
            buffers(trial);
            locked_memory();
            abilities(trial);
        }
        return std::move(findings_);
    }

private:
    void ok(std::string what) { findings_.push_back({verdict::ok, std::move(what), {}}); }
    void failed(std::string what, std::string mend)
    {
        findings_.push_back({verdict::failed, std::move(what), std::move(mend)});
    }
    void ability(bool there, std::string what)
    {
        findings_.push_back({there ? verdict::present : verdict::absent, std::move(what), {}});
    }

    void version();
    void files();
    bool setup(trial_ring& trial);
    bool usable(trial_ring& trial);
    void operations();
    void buffers(trial_ring& trial);
    void locked_memory();
    void abilities(trial_ring& trial);
    [[nodiscard]] std::size_t locked_bytes_needed() const;
    [[nodiscard]] bool all_rings_fit() const;

    const kernel_needs& needs_;
    const kernel_source& from_;
    std::vector<kernel_finding> findings_;

    struct free_probe
    {
        void operator()(io_uring_probe* known) const noexcept { ::io_uring_free_probe(known); }
    };
    std::unique_ptr<io_uring_probe, free_probe> probe_;
};

void prober::version()
{
    const std::string release = kernel_release(from_);
    if (release.empty() || release_at_least(release, oldest_major, oldest_minor))
        ok("Linux " + release);
    else
        failed(fmt::format("Linux {} is older than {}.{}", release, oldest_major, oldest_minor),
               std::string(mend_kernel));
}

// Against the hard limit: the server raises the soft one by itself.
void prober::files()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t beside = reserved_descriptors(needs_.shards);
    const std::size_t needed = beside + (needs_.connections != 0 ? needs_.connections : connections_min);
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= needed) {
        ok(fmt::format("open files: {} allowed",
                       limit.rlim_max == RLIM_INFINITY ? "any number" : std::to_string(limit.rlim_max)));
        return;
    }
    std::string mend = fmt::format("{} to {} or more", mend_nofile, needed);
    if (needs_.connections > connections_min) mend += ", or lower limits.connections";
    failed(fmt::format("open files: {} allowed, {} needed for {} connections on {} shards", limit.rlim_max, needed,
                       needed - beside, needs_.shards),
           std::move(mend));
}

bool prober::setup(trial_ring& trial)
{
    constexpr unsigned entries = 8;
    const int refused = trial.open(entries, 2 * entries);
    if (refused == 0) return usable(trial);
    refusal_text why = explain_setup_refusal(refused, from_);
    if (refused == ENOMEM) why.mend += fmt::format(" to {} KiB or more", locked_bytes_needed() / 1024);
    failed(std::move(why.what), std::move(why.mend));
    return false;
}

// A filter may let one of the three calls through and refuse another.
bool prober::usable(trial_ring& trial)
{
    probe_.reset(::io_uring_get_probe_ring(&trial.uring()));
    const bool enters = ::io_uring_get_events(&trial.uring()) >= 0;
    if (probe_ == nullptr || !enters) {
        failed(fmt::format("{} is refused by a seccomp filter", enters ? "io_uring_register" : "io_uring_enter"),
               std::string(mend_seccomp));
        return false;
    }
    ok("io_uring, with SINGLE_ISSUER and DEFER_TASKRUN");
    return true;
}

void prober::operations()
{
    for (const named_operation& one : needed_operations) {
        if (::io_uring_opcode_supported(probe_.get(), one.code) != 0) {
            ok(fmt::format("io_uring operation {}", one.name));
        } else {
            failed(fmt::format("io_uring operation {} is missing", one.name), std::string(mend_kernel));
        }
    }
}

void prober::buffers(trial_ring& trial)
{
    const int refused = trial.provide_buffers(needs_.ring.buffers, 0);
    if (refused == 0)
        ok("provided buffer rings");
    else if (refused == ENOMEM)
        failed("there is too little lockable memory for the receive buffers (ENOMEM)", std::string(mend_memlock));
    else
        failed(fmt::format("provided buffer rings are refused (error {})", refused), std::string(mend_kernel));
}

std::size_t prober::locked_bytes_needed() const
{
    return needs_.shards * locked_bytes(needs_.ring) + locked_bytes(log_ring_options);
}

// Do all rings of the server fit at once?
bool prober::all_rings_fit() const
{
    const auto fits = [](trial_ring& one, const ring_options& as) {
        return one.open(as.submissions, as.completions) == 0 && one.provide_buffers(as.buffers, 0) == 0;
    };
    trial_ring of_log;
    std::vector<trial_ring> rings(needs_.shards);
    return fits(of_log, log_ring_options) &&
           std::ranges::all_of(rings, [&](trial_ring& one) { return fits(one, needs_.ring); });
}

// Kernels differ in what they count, and privileged processes are exempt: where the limit looks too small, only trying
// tells. Where it is large enough nothing is tried, since a kernel gives locked memory back late, and the server's own
// rings would then meet what the trial still holds.
void prober::locked_memory()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    const std::size_t needed = locked_bytes_needed();
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) {
        ok(fmt::format("lockable memory: {} KiB needed, {} allowed", needed / 1024,
                       limit.rlim_cur == RLIM_INFINITY ? "any amount" : fmt::format("{} KiB", limit.rlim_cur / 1024)));
    } else if (all_rings_fit()) {
        ok("lockable memory: not counted for this process");
    } else {
        failed(fmt::format("lockable memory: {} KiB allowed, {} KiB needed for {} shards", limit.rlim_cur / 1024,
                           needed / 1024, needs_.shards),
               fmt::format("{} to {} KiB or more, or lower shards", mend_memlock, needed / 1024));
    }
}

void prober::abilities(trial_ring& trial)
{
    ability(::io_uring_opcode_supported(probe_.get(), IORING_OP_SEND_ZC) != 0, "zero-copy send (Linux 6.0)");
    ability(trial.has_feature(IORING_FEAT_RECVSEND_BUNDLE), "bundled receive and send (Linux 6.10)");
    trial_ring incremental;
    ability(incremental.open(8, 16) == 0 && incremental.provide_buffers(8, provided_buffers_incremental) == 0,
            "incremental buffers (Linux 6.12)");
    ability(trial.register_napi() == 0, "NAPI busy polling (Linux 6.9)");
    ability(trial.has_feature(IORING_FEAT_MIN_TIMEOUT), "minimal waits (Linux 6.12)");
    ability(trial.has_feature(IORING_FEAT_NO_IOWAIT), "waits without iowait (Linux 6.15)");
}

} // namespace

std::vector<kernel_finding> probe_kernel(const kernel_needs& needs, const kernel_source& from)
{
    return prober(needs, from).run();
}

result<void> require_kernel(const kernel_needs& needs, const kernel_source& from)
{
    for (const kernel_finding& one : probe_kernel(needs, from)) {
        if (one.said == verdict::failed) return fail(errc::unavailable, one.what + ": " + one.mend);
    }
    return {};
}

} // namespace sluice

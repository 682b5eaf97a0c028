// Why io_uring_setup was refused, as a sentence for the operator with its mend. The kernel says only a number; the rest
// is read from /proc.
#pragma once

#include <sluice/ring/probe.hpp>

#include <string>
#include <string_view>

namespace sluice {

struct refusal_text
{
    std::string what;
    std::string mend;
};

[[nodiscard]] refusal_text explain_setup_refusal(int error_number, const kernel_source& from = {});

// The kernel's release ("6.1.0-18-amd64"), and whether it is at least that version; empty if it cannot be read.
[[nodiscard]] std::string kernel_release(const kernel_source& from);
[[nodiscard]] bool release_at_least(const std::string& release, unsigned major, unsigned minor);

inline constexpr std::string_view mend_memlock = "raise RLIMIT_MEMLOCK (ulimit -l; systemd: LimitMEMLOCK=)";
inline constexpr std::string_view mend_nofile = "raise RLIMIT_NOFILE (ulimit -n; systemd: LimitNOFILE=)";
inline constexpr std::string_view mend_seccomp =
    "allow io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp profile "
    "(Docker: --security-opt seccomp=PROFILE)";
inline constexpr std::string_view mend_kernel = "run Linux 6.1 or later";

} // namespace sluice

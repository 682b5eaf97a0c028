#include "ring/refusal.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

namespace sluice {
namespace {

int number_in(const std::string& path)
{
    std::ifstream file(path);
    int number = 0;
    return file >> number ? number : 0;
}

// Does a seccomp filter watch this process? "Seccomp: 2" in its status.
bool filtered(const kernel_source& from)
{
    std::ifstream status(from.proc + "/self/status");
    for (std::string name; status >> name;) {
        int mode = 0;
        if (name == "Seccomp:" && status >> mode) return mode == 2;
    }
    return false;
}

refusal_text not_permitted(const kernel_source& from)
{
    switch (number_in(from.proc + "/sys/kernel/io_uring_disabled")) {
    case 2:
        return {"io_uring is switched off for everyone (kernel.io_uring_disabled is 2)",
                "sysctl kernel.io_uring_disabled=0"};
    case 1:
        return {"io_uring is switched off for unprivileged processes (kernel.io_uring_disabled is 1)",
                "sysctl kernel.io_uring_disabled=0, or put the server's group into kernel.io_uring_group"};
    default:
        break;
    }
    if (filtered(from)) return {"io_uring_setup is refused by a seccomp filter (EPERM)", std::string(mend_seccomp)};
    return {"io_uring_setup is not permitted (EPERM)",
            "allow it in the security module (SELinux, AppArmor) that refuses it"};
}

} // namespace

std::string kernel_release(const kernel_source& from)
{
    std::ifstream file(from.proc + "/sys/kernel/osrelease");
    std::string release;
    std::getline(file, release);
    return release;
}

bool release_at_least(const std::string& release, unsigned major, unsigned minor)
{
    const char* const end = release.data() + release.size();
    unsigned is_major = 0;
    unsigned is_minor = 0;
    const auto dot = std::from_chars(release.data(), end, is_major);
    if (dot.ec != std::errc() || dot.ptr == end || *dot.ptr != '.') return false;
    if (std::from_chars(dot.ptr + 1, end, is_minor).ec != std::errc()) return false;
    return is_major > major || (is_major == major && is_minor >= minor);
}

refusal_text explain_setup_refusal(int error_number, const kernel_source& from)
{
    switch (error_number) {
    case EPERM:
        return not_permitted(from);
    case ENOSYS:
        if (filtered(from)) return {"io_uring_setup is hidden by a seccomp filter (ENOSYS)", std::string(mend_seccomp)};
        return {"this kernel has no io_uring (ENOSYS)", std::string(mend_kernel) + ", built with CONFIG_IO_URING"};
    case EINVAL:
        return {"io_uring here lacks SINGLE_ISSUER or DEFER_TASKRUN (EINVAL)", std::string(mend_kernel)};
    case ENOMEM:
        return {"there is too little lockable memory for io_uring (ENOMEM)", std::string(mend_memlock)};
    case EMFILE:
        return {"there is no file descriptor left for io_uring (EMFILE)", std::string(mend_nofile)};
    case ENFILE:
        return {"the machine has no file descriptor left for io_uring (ENFILE)",
                "sysctl fs.file-max to a higher value"};
    default:
        return {"io_uring_setup failed (" + std::string(std::strerror(error_number)) + ")", std::string(mend_kernel)};
    }
}

} // namespace sluice

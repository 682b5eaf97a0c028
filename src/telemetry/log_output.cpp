#include "telemetry/log_output.hpp"

#include <climits>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace sluice::telemetry {
namespace {

constexpr int poll_ms = 100;

} // namespace

log_output::~log_output()
{
    if (!path_.empty() && descriptor_ >= 0) ::close(descriptor_);
}

int log_output::open() noexcept
{
    constexpr mode_t owner_and_group = 0640;
    const int next = path_.empty()
                         ? STDOUT_FILENO
                         : ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, owner_and_group);
    if (next < 0) return errno;
    if (!path_.empty() && descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = next;
    struct stat what = {};
    regular_file_ = ::fstat(next, &what) == 0 && S_ISREG(what.st_mode);
    return 0;
}

std::string_view log_output::put(std::string_view text) noexcept
{
    // The descriptor may block, and a pipe that is ready takes PIPE_BUF without doing so.
    const std::size_t piece_max = regular_file_ ? std::size_t{1} << 20 : PIPE_BUF;
    while (!text.empty()) {
        pollfd wait = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
        const int ready = ::poll(&wait, 1, poll_ms);
        if (ready == 0 && ending_.load(std::memory_order_relaxed) && --polls_left_ <= 0) break;
        if (ready <= 0) continue;
        const ssize_t written = ::write(descriptor_, text.data(), std::min(text.size(), piece_max));
        if (written > 0)
            text.remove_prefix(static_cast<std::size_t>(written));
        else if (errno != EINTR && errno != EAGAIN)
            break;
    }
    return text;
}

} // namespace sluice::telemetry

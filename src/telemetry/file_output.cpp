#include "telemetry/file_output.hpp"

#include <climits>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace sluice::telemetry {

file_output::~file_output()
{
    if (!path_.empty() && descriptor_ >= 0) ::close(descriptor_);
}

int file_output::open() noexcept
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

std::size_t file_output::put(std::string_view lines) noexcept
{
    // The descriptor may block, and a pipe that is ready takes PIPE_BUF without doing so.
    const std::size_t piece_max = regular_file_ ? std::size_t{1} << 20 : PIPE_BUF;
    while (!lines.empty()) {
        if (!regular_file_ && !wait_for_room(descriptor_)) break;
        const ssize_t written = ::write(descriptor_, lines.data(), std::min(lines.size(), piece_max));
        if (written > 0)
            lines.remove_prefix(static_cast<std::size_t>(written));
        else if (errno != EINTR && errno != EAGAIN)
            break;
    }
    return static_cast<std::size_t>(std::ranges::count(lines, '\n'));
}

} // namespace sluice::telemetry

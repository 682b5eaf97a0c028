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
                         : ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                                  owner_and_group); // a pipe that nobody reads is not waited for
    if (next < 0) return errno;
    if (!path_.empty()) ::fcntl(next, F_SETFL, O_APPEND); // what is written is waited for
    if (!path_.empty() && descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = next;
    struct stat what = {};
    regular_file_ = ::fstat(next, &what) == 0 && S_ISREG(what.st_mode);
    if (regular_file_ && what.st_size == 0) mid_line_ = torn_ = false;
    return 0;
}

std::size_t file_output::put(std::string_view lines, log_ring& ring) noexcept
{
    std::size_t lost = 0;
    if (headless_) {
        const std::size_t end = lines.find('\n');
        if (end == std::string_view::npos) return 0;
        lines.remove_prefix(end + 1);
        headless_ = false;
        ++lost;
    }
    // A reader that takes anything has taken a piece soon.
    const std::size_t piece_max = regular_file_ ? std::size_t{1} << 20 : PIPE_BUF;
    while (!lines.empty()) {
        const std::string_view next = torn_ ? std::string_view("\n") : lines.substr(0, piece_max);
        const int written = regular_file_ ? ring.write(descriptor_, next) : ring.write_to_reader(descriptor_, next);
        if (written > 0) {
            mid_line_ = next[static_cast<std::size_t>(written) - 1] != '\n';
            if (!std::exchange(torn_, false)) lines.remove_prefix(static_cast<std::size_t>(written));
        } else if (written != -EINTR && (written != -EAGAIN || !ring.wait_for_room(descriptor_))) {
            break;
        }
    }
    if (lines.empty()) return lost;
    torn_ = mid_line_;
    headless_ = lines.back() != '\n';
    return lost + static_cast<std::size_t>(std::ranges::count(lines, '\n'));
}

} // namespace sluice::telemetry

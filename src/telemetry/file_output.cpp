#include "telemetry/file_output.hpp"

#include <climits>

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace sluice::telemetry {

namespace {

// Of a file that is open for writing alone; a newline where it cannot be known.
char last_byte_of(int descriptor, off_t size) noexcept
{
    std::array<char, 32> name{"/proc/self/fd/"};
    char* const number = name.data() + std::strlen(name.data());
    *std::to_chars(number, name.data() + name.size() - 1, descriptor).ptr = '\0';
    char last = '\n';
    const int reading = ::open(name.data(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (reading < 0) return last;
    (void)!::pread(reading, &last, 1, size - 1);
    ::close(reading);
    return last;
}

} // namespace

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
    struct stat before = {};
    if (descriptor_ >= 0) (void)::fstat(descriptor_, &before);
    if (!path_.empty() && descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = next;
    look_at_the_end(before);
    return 0;
}

// How what is appended to ends. Of a file that was open before it is known, unless it was emptied meanwhile.
void file_output::look_at_the_end(const struct stat& before) noexcept
{
    struct stat now = {};
    const bool known = ::fstat(descriptor_, &now) == 0;
    regular_file_ = known && S_ISREG(now.st_mode);
    const bool empty = !regular_file_ || now.st_size == 0;
    const bool same = known && now.st_dev == before.st_dev && now.st_ino == before.st_ino;
    if (same && !(regular_file_ && empty)) return;
    mid_line_ = torn_ = !empty && last_byte_of(descriptor_, now.st_size) != '\n';
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

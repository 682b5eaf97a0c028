#include "telemetry/journal_output.hpp"

#include "telemetry/journal_line.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace sluice::telemetry {
namespace {

constexpr std::size_t batch_max = log_ring::messages_max;
using entry_size = std::uint32_t;

entry_size size_at_front(std::string_view lines) noexcept
{
    entry_size size = 0;
    std::memcpy(&size, lines.data(), sizeof size);
    return size;
}

// Holds a descriptor that is not to outlive the block.
struct descriptor
{
    explicit descriptor(int number) noexcept : fd(number) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor()
    {
        if (fd >= 0) ::close(fd);
    }
    int fd;
};

// A file in memory that nobody can change any more; negative if there can be none.
int sealed_file(std::string_view text) noexcept
{
    descriptor made(::memfd_create("sluice-journal-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (made.fd < 0) return -1;
    while (!text.empty()) {
        const ssize_t written = ::write(made.fd, text.data(), text.size());
        if (written <= 0) return -1;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fcntl(made.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) return -1;
    return std::exchange(made.fd, -1);
}

} // namespace

journal_output::~journal_output()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}

void journal_output::encode(const log_line& line, pooled_string& text) const
{
    const std::size_t begin = text.size();
    text.append(sizeof(entry_size), '\0');
    append_journal(line, hidden_, text);
    const auto size = static_cast<entry_size>(text.size() - begin - sizeof(entry_size));
    std::memcpy(text.data() + begin, &size, sizeof size);
}

// Connected, since a socket that is not would not say when the other side has room.
int journal_output::open() noexcept
{
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    if (path_.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    path_.copy(address.sun_path, path_.size());
    descriptor next(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (next.fd < 0) return errno;
    constexpr int room = 8 << 20; // as much as the journal's own library asks for; the kernel may give less
    (void)::setsockopt(next.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (::connect(next.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = std::exchange(next.fd, -1);
    return 0;
}

std::size_t journal_output::put(std::string_view lines, log_ring& ring) noexcept
{
    std::string rest;
    if (!partial_.empty()) {
        rest = std::exchange(partial_, {}).append(lines);
        lines = rest;
    }
    std::array<std::string_view, batch_max> batch;
    std::size_t count = 0;
    std::size_t lost = 0;
    while (lines.size() >= sizeof(entry_size) && lines.size() - sizeof(entry_size) >= size_at_front(lines)) {
        const entry_size size = size_at_front(lines);
        batch[count++] = lines.substr(sizeof size, size);
        lines.remove_prefix(sizeof size + size);
        if (count == batch_max) {
            lost += send(batch, ring);
            count = 0;
        }
    }
    lost += send(std::span(batch).first(count), ring);
    partial_ = lines;
    return lost;
}

// The kernel has refused the next entry: is there any use in trying it once more?
bool journal_output::recovered(int failure, bool& reconnected, log_ring& ring) noexcept
{
    if (failure == EINTR) return true;
    if (failure == EAGAIN) return ring.wait_for_room(descriptor_);
    const bool gone = failure == ECONNREFUSED || failure == ECONNRESET || failure == ENOTCONN || failure == EPIPE;
    return gone && !std::exchange(reconnected, true) && open() == 0;
}

std::size_t journal_output::send(std::span<const std::string_view> entries, log_ring& ring) noexcept
{
    std::array<iovec, batch_max> parts{};
    std::array<msghdr, batch_max> messages{};
    for (std::size_t i = 0; i < entries.size(); ++i) {
        parts[i] = {.iov_base = const_cast<char*>(entries[i].data()), .iov_len = entries[i].size()};
        messages[i].msg_iov = &parts[i];
        messages[i].msg_iovlen = 1;
    }
    std::size_t lost = 0;
    bool reconnected = false;
    for (std::size_t done = 0; done < entries.size();) {
        const auto [sent, failure] = ring.send(descriptor_, std::span(messages).first(entries.size()).subspan(done));
        done += sent;
        if (failure == EMSGSIZE || failure == ENOBUFS) {
            if (!send_large(entries[done++], ring)) ++lost;
        } else if (failure != 0 && !recovered(failure, reconnected, ring)) {
            ++done;
            ++lost;
        }
    }
    return lost;
}

bool journal_output::send_large(std::string_view entry, log_ring& ring) noexcept
{
    const descriptor file(sealed_file(entry));
    if (file.fd < 0) return false;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message = {};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &file.fd, sizeof(int));
    bool reconnected = false;
    for (;;) {
        const int failure = ring.send(descriptor_, std::span(&message, 1)).failure;
        if (failure == 0) return true;
        if (!recovered(failure, reconnected, ring)) return false;
    }
}

} // namespace sluice::telemetry

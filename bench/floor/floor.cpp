// The floor: what this machine can do at best. `floor PORT`
//
// One io_uring on one thread that sends a fixed response for every blank line it receives and parses nothing: the least
// that an HTTP server must do, and so the measure for everything else. It stands alone, knows nothing of the library,
// and never polls. docs/decisions/0003-floor-and-ring-operations.md says why its operations are the ones they are.
#include <liburing.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
constexpr std::size_t answers_per_send_max = 256;
constexpr std::size_t descriptors_max = 65536;
constexpr unsigned submission_entries = 1024;
constexpr unsigned completion_entries = 8192;
// Small enough for all of them to stay in the second-level cache.
constexpr unsigned buffer_count = 256;
constexpr unsigned buffer_bytes = 4096;

enum class operation : std::uint32_t
{
    accept,
    receive,
    send,
};

// One for each descriptor. It is closed when none of its operations is under way, so no completion meets a successor.
struct connection
{
    std::size_t owed = 0; // answers
    unsigned matched = 0; // how much of a blank line the last bytes were
    bool receiving = false;
    bool sending = false;
};

[[noreturn]] void die(const char* what, int error)
{
    std::fprintf(stderr, "floor: %s: %s\n", what, std::system_category().message(error).c_str());
    std::exit(1);
}

int listen_on(std::uint16_t port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd < 0) die("socket", errno);
    if (::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) die("SO_REUSEADDR", errno);
    if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        die("TCP_NODELAY", errno); // the accepted inherit it
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind", errno);
    if (::listen(fd, 4096) != 0) die("listen", errno);
    return fd;
}

void* zeroed_pages(std::size_t bytes)
{
    void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (pages == MAP_FAILED) die("mmap", errno);
    return pages;
}

// How many blank lines end in these bytes. Nearly always they are whole requests, so the search starts from what the
// last bytes were only if those could have begun one.
std::size_t blank_lines(connection& from, std::string_view bytes)
{
    constexpr std::string_view blank_line = "\r\n\r\n";
    std::size_t found = 0;
    if (from.matched == 0) {
        for (auto at = bytes.find(blank_line); at != bytes.npos; at = bytes.find(blank_line)) {
            ++found;
            bytes.remove_prefix(at + blank_line.size());
        }
        if (bytes.size() >= blank_line.size()) bytes.remove_prefix(bytes.size() - blank_line.size() + 1);
    }
    for (const char c : bytes) {
        from.matched = c == blank_line[from.matched] ? from.matched + 1 : unsigned{c == '\r'};
        if (from.matched == blank_line.size()) {
            ++found;
            from.matched = 0;
        }
    }
    return found;
}

class floor_server
{
public:
    explicit floor_server(std::uint16_t port) : listener_(listen_on(port)), connections_(descriptors_max)
    {
        for (std::size_t i = 0; i < answers_per_send_max; ++i)
            std::memcpy(answers_.data() + i * answer.size(), answer.data(), answer.size());

        io_uring_params parameters = {};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
        parameters.cq_entries = completion_entries;
        if (const int r = io_uring_queue_init_params(submission_entries, &ring_, &parameters); r < 0)
            die("io_uring", -r);
        if (const int r = io_uring_register_ring_fd(&ring_); r < 0) die("registering the ring", -r);
        provide_buffers();
    }

    [[noreturn]] void run()
    {
        accept();
        for (;;) {
            if (const int r = io_uring_submit_and_wait(&ring_, 1); r < 0 && r != -EINTR) die("io_uring_enter", -r);
            unsigned head = 0;
            unsigned seen = 0;
            const io_uring_cqe* done = nullptr;
            io_uring_for_each_cqe(&ring_, head, done)
            {
                ++seen;
                complete(*done);
            }
            io_uring_cq_advance(&ring_, seen);
            // Only now: all that came from a connection in this turn is answered with one send.
            for (const int fd : to_answer_) send(fd);
            to_answer_.clear();
        }
    }

private:
    void provide_buffers()
    {
        memory_ = static_cast<char*>(zeroed_pages(std::size_t{buffer_count} * buffer_bytes));
        buffers_ = static_cast<io_uring_buf_ring*>(zeroed_pages(buffer_count * sizeof(io_uring_buf)));
        io_uring_buf_reg registration = {};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
        registration.ring_entries = buffer_count;
        if (const int r = io_uring_register_buf_ring(&ring_, &registration, 0); r < 0) die("registering buffers", -r);
        for (unsigned id = 0; id < buffer_count; ++id) give_back(id);
    }

    void give_back(unsigned id)
    {
        char* bytes = memory_ + std::size_t{id} * buffer_bytes;
        io_uring_buf_ring_add(buffers_, bytes, buffer_bytes, static_cast<unsigned short>(id), buffer_count - 1, 0);
        io_uring_buf_ring_advance(buffers_, 1);
    }

    io_uring_sqe* submission()
    {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        while (entry == nullptr) {
            if (const int r = io_uring_submit(&ring_); r < 0 && r != -EINTR) die("io_uring_enter", -r);
            entry = io_uring_get_sqe(&ring_);
        }
        return entry;
    }

    static void tag(io_uring_sqe* entry, operation what, int fd)
    {
        entry->user_data = (std::uint64_t{static_cast<std::uint32_t>(what)} << 32) | static_cast<std::uint32_t>(fd);
    }

    connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    void accept()
    {
        io_uring_sqe* entry = submission();
        io_uring_prep_multishot_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        tag(entry, operation::accept, listener_);
    }

    void receive(int fd)
    {
        io_uring_sqe* entry = submission();
        io_uring_prep_recv_multishot(entry, fd, nullptr, 0, 0);
        entry->flags |= IOSQE_BUFFER_SELECT;
        tag(entry, operation::receive, fd);
        at(fd).receiving = true;
    }

    void send(int fd)
    {
        connection& to = at(fd);
        if (to.sending || to.owed == 0) return;
        const std::size_t count = std::min(to.owed, answers_per_send_max);
        io_uring_sqe* entry = submission();
        io_uring_prep_send(entry, fd, answers_.data(), count * answer.size(), MSG_NOSIGNAL | MSG_WAITALL);
        tag(entry, operation::send, fd);
        to.owed -= count;
        to.sending = true;
    }

    void complete(const io_uring_cqe& done)
    {
        const auto what = static_cast<operation>(done.user_data >> 32);
        const int fd = static_cast<int>(done.user_data & 0xffffffffU);
        switch (what) {
        case operation::accept:
            accepted(done);
            break;
        case operation::receive:
            received(fd, done);
            break;
        case operation::send:
            sent(fd, done);
            break;
        }
    }

    void accepted(const io_uring_cqe& done)
    {
        if ((done.flags & IORING_CQE_F_MORE) == 0) accept();
        if (done.res < 0) return;
        at(done.res) = connection();
        receive(done.res);
    }

    void received(int fd, const io_uring_cqe& done)
    {
        connection& from = at(fd);
        from.receiving = (done.flags & IORING_CQE_F_MORE) != 0;
        if (done.res > 0) {
            const unsigned id = done.flags >> IORING_CQE_BUFFER_SHIFT;
            from.owed +=
                blank_lines(from, {memory_ + std::size_t{id} * buffer_bytes, static_cast<std::size_t>(done.res)});
            give_back(id);
            to_answer_.push_back(fd);
        }
        if (from.receiving) return;
        if (done.res > 0 || done.res == -ENOBUFS)
            receive(fd);
        else
            close_if_done(fd);
    }

    void sent(int fd, const io_uring_cqe& done)
    {
        connection& to = at(fd);
        to.sending = false;
        if (done.res < 0) {
            to.owed = 0;
            ::shutdown(fd, SHUT_RDWR); // ends the receive
        }
        if (to.owed != 0)
            to_answer_.push_back(fd);
        else
            close_if_done(fd);
    }

    void close_if_done(int fd)
    {
        const connection& done = at(fd);
        if (!done.receiving && !done.sending && done.owed == 0) ::close(fd);
    }

    int listener_;
    io_uring ring_ = {};
    io_uring_buf_ring* buffers_ = nullptr;
    char* memory_ = nullptr;
    std::vector<connection> connections_;
    std::vector<int> to_answer_;
    std::array<char, answers_per_send_max * answer.size()> answers_ = {};
};

} // namespace

int main(int argc, char** argv)
{
    std::uint16_t port = 0;
    const std::string_view text = argc == 2 ? argv[1] : "";
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failure != std::errc() || end != text.data() + text.size()) {
        std::fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }
    rlimit files = {};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = std::min<rlim_t>(files.rlim_max, descriptors_max);
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    floor_server(port).run();
}

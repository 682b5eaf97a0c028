// What the bare programs share: a listener, and one io_uring with buffers that it hands out itself. No library of ours.
#pragma once

#include <liburing.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>

namespace bare {

inline constexpr std::size_t descriptors_max = 65536;

enum class operation : std::uint32_t
{
    accept,
    receive,
    send,
    watch,
};

[[noreturn]] inline void die(const char* what, int error)
{
    std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
                 std::system_category().message(error).c_str());
    std::exit(1);
}

inline std::optional<std::uint16_t> port_of(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port;
}

inline void raise_descriptor_limit()
{
    rlimit files = {};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, descriptors_max);
    ::setrlimit(RLIMIT_NOFILE, &files);
}

inline int listen_on(std::uint16_t port)
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

inline void* zeroed_pages(std::size_t bytes)
{
    void* pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (pages == MAP_FAILED) die("mmap", errno);
    return pages;
}

class ring
{
public:
    ring()
    {
        io_uring_params parameters = {};
        parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
        parameters.cq_entries = completion_entries;
        if (const int r = io_uring_queue_init_params(submission_entries, &ring_, &parameters); r < 0)
            die("io_uring", -r);
        if (const int r = io_uring_register_ring_fd(&ring_); r < 0) die("registering the ring", -r);
        provide_buffers();
    }
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;

    // Submits what was prepared; `count` of 0 does not wait, but takes the completions that are due.
    void submit_and_wait(unsigned count)
    {
        const int r = count != 0 ? io_uring_submit_and_wait(&ring_, count) : io_uring_submit_and_get_events(&ring_);
        if (r < 0 && r != -EINTR) die("io_uring_enter", -r);
    }

    [[nodiscard]] bool has_completions() const { return io_uring_cq_ready(&ring_) != 0; }

    // `complete` is called with (operation, descriptor, completion) for each completion.
    template <class Complete> void reap(Complete complete)
    {
        unsigned head = 0;
        unsigned seen = 0;
        const io_uring_cqe* done = nullptr;
        io_uring_for_each_cqe(&ring_, head, done)
        {
            ++seen;
            complete(static_cast<operation>(done->user_data >> 32), static_cast<int>(done->user_data & 0xffffffffU),
                     *done);
        }
        io_uring_cq_advance(&ring_, seen);
    }

    void accept(int listener)
    {
        io_uring_sqe* entry = submission();
        io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
        tag(entry, operation::accept, listener);
    }

    void receive(int fd)
    {
        io_uring_sqe* entry = submission();
        io_uring_prep_recv_multishot(entry, fd, nullptr, 0, 0);
        entry->flags |= IOSQE_BUFFER_SELECT;
        tag(entry, operation::receive, fd);
    }

    void send(int fd, std::string_view bytes)
    {
        io_uring_sqe* entry = submission();
        io_uring_prep_send(entry, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_WAITALL);
        tag(entry, operation::send, fd);
    }

    void watch(int fd, unsigned events)
    {
        io_uring_sqe* entry = submission();
        io_uring_prep_poll_add(entry, fd, events);
        tag(entry, operation::watch, fd);
    }

    // What a receive gave; valid until it is given back.
    [[nodiscard]] std::string_view bytes_of(const io_uring_cqe& received) const
    {
        return {memory_ + std::size_t{buffer_of(received)} * buffer_bytes, static_cast<std::size_t>(received.res)};
    }
    void give_back(const io_uring_cqe& received) { provide(buffer_of(received)); }

private:
    static constexpr unsigned submission_entries = 1024;
    static constexpr unsigned completion_entries = 8192;
    // Small enough for all of them to stay in the second-level cache.
    static constexpr unsigned buffer_count = 256;
    static constexpr unsigned buffer_bytes = 4096;

    static unsigned buffer_of(const io_uring_cqe& received) { return received.flags >> IORING_CQE_BUFFER_SHIFT; }

    void provide_buffers()
    {
        memory_ = static_cast<char*>(zeroed_pages(std::size_t{buffer_count} * buffer_bytes));
        buffers_ = static_cast<io_uring_buf_ring*>(zeroed_pages(buffer_count * sizeof(io_uring_buf)));
        io_uring_buf_reg registration = {};
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
        registration.ring_entries = buffer_count;
        if (const int r = io_uring_register_buf_ring(&ring_, &registration, 0); r < 0) die("registering buffers", -r);
        for (unsigned id = 0; id < buffer_count; ++id) provide(id);
    }

    void provide(unsigned id)
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

    io_uring ring_ = {};
    io_uring_buf_ring* buffers_ = nullptr;
    char* memory_ = nullptr;
};

} // namespace bare

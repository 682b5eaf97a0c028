#include "ring/impl.hpp"

#include <sluice/core/turn_watch.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace sluice {

namespace {

constexpr std::size_t fetched_ahead = 2; // completions
constexpr std::uintptr_t cache_line = 64;

} // namespace

ring::ring(std::unique_ptr<impl> i) noexcept : impl_(std::move(i)) {}
ring::~ring() = default;

result<std::unique_ptr<ring>> ring::create(const ring_options& options)
{
    auto made = std::make_unique<impl>();
    if (auto opened = made->open(options); !opened) return std::unexpected(opened.error());
    if (auto provided = made->provide_buffers(options); !provided) return std::unexpected(provided.error());
    return std::unique_ptr<ring>(new ring(std::move(made)));
}

// --- Starting operations.

io_uring_sqe* ring::impl::entry(ring& owner)
{
    io_uring_sqe* free = io_uring_get_sqe(&uring);
    while (free == nullptr) { // the queue is full: what is in it leaves early
        owner.enter(wait::no);
        free = io_uring_get_sqe(&uring);
    }
    return free;
}

void ring::accept(int listener, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_accept(e, listener, nullptr, nullptr, SOCK_CLOEXEC);
    e->user_data = impl_->enlist(op);
}

void ring::accept_multishot(int listener, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_multishot_accept(e, listener, nullptr, nullptr, SOCK_CLOEXEC);
    e->user_data = impl_->enlist(op);
}

void ring::receive_multishot(int fd, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_recv_multishot(e, fd, nullptr, 0, 0);
    e->flags |= IOSQE_BUFFER_SELECT;
    e->buf_group = impl::buffer_group;
    e->user_data = impl_->enlist(op);
}

void ring::send(int fd, std::string_view bytes, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_send(e, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_WAITALL);
    e->user_data = impl_->enlist(op);
}

void ring::send_message(int fd, const msghdr& message, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_sendmsg(e, fd, &message, MSG_NOSIGNAL | MSG_WAITALL);
    e->user_data = impl_->enlist(op);
}

void ring::try_send_message(int fd, const msghdr& message, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_sendmsg(e, fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    e->user_data = impl_->enlist(op);
}

void ring::poll(int fd, unsigned events, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_poll_add(e, fd, events);
    e->user_data = impl_->enlist(op);
}

void ring::poll_multishot(int fd, unsigned events, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_poll_multishot(e, fd, events);
    e->user_data = impl_->enlist(op);
}

void ring::connect(int fd, const sockaddr* address, socklen_t size, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_connect(e, fd, address, size);
    e->user_data = impl_->enlist(op);
}

void ring::read(int fd, std::span<char> into, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_read(e, fd, into.data(), static_cast<unsigned>(into.size()), ~std::uint64_t(0));
    e->user_data = impl_->enlist(op);
}

void ring::write(int fd, std::string_view bytes, operation& op)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_write(e, fd, bytes.data(), static_cast<unsigned>(bytes.size()), ~std::uint64_t(0));
    e->user_data = impl_->enlist(op);
}

void ring::timeout(time_point when, timeout_operation& op)
{
    const auto since = std::max<std::int64_t>(when.time_since_epoch().count(), 0);
    op.seconds_ = since / 1'000'000'000;
    op.nanoseconds_ = since % 1'000'000'000;
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_rw(IORING_OP_TIMEOUT, e, -1, &op.seconds_, 1, 0); // a __kernel_timespec: two 64-bit numbers
    e->timeout_flags = IORING_TIMEOUT_ABS;
    e->user_data = impl_->enlist(op);
}

void ring::chain()
{
    const io_uring_sq& queue = impl_->uring.sq;
    SLUICE_ASSERT(queue.sqe_tail != queue.sqe_head);
    queue.sqes[(queue.sqe_tail - 1) & queue.ring_mask].flags |= IOSQE_IO_LINK;
}

void ring::cancel(operation& op)
{
    if (!op.in_flight()) return;
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_cancel64(e, op.token_, 0);
    e->flags |= IOSQE_CQE_SKIP_SUCCESS;
    e->user_data = impl::no_token;
}

void ring::abandon(operation& op)
{
    if (!op.in_flight()) return;
    cancel(op);
    impl_->release(op.token_);
}

void ring::close(int fd)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_close(e, fd);
    e->flags |= IOSQE_CQE_SKIP_SUCCESS;
    e->user_data = impl::no_token;
}

void ring::shutdown(int fd, int how)
{
    // The ring's own runs on a worker of the kernel, which looks the number up only then: after a close it may be
    // another's. This waits for nothing.
    (void)::shutdown(fd, how);
}

void ring::message(int ring_fd)
{
    io_uring_sqe* e = impl_->entry(*this);
    io_uring_prep_msg_ring(e, ring_fd, 0, impl::message_token, 0);
    e->flags |= IOSQE_CQE_SKIP_SUCCESS;
    e->user_data = impl::no_token;
}

void ring::on_message(void (*f)(void*), void* argument) noexcept
{
    impl_->message_function = f;
    impl_->message_argument = argument;
}

// --- Provided buffers.

std::string_view ring::received(completion c) const noexcept
{
    return {impl_->buffer_memory + std::size_t(c.buffer()) * impl_->buffer_bytes, static_cast<std::size_t>(c.result)};
}

void ring::recycle(completion c) noexcept
{
    if (!c.has_buffer()) return;
    impl_->add_buffer(c.buffer());
    --counters_.buffers_taken;
}

// --- A turn.

void ring::enter(wait w)
{
    impl_->publish_buffers();
    const unsigned queued = impl_->flush();
    count(io_uring_enter2(static_cast<unsigned>(impl_->uring.enter_ring_fd), queued, w == wait::yes ? 1 : 0,
                          IORING_ENTER_GETEVENTS | impl_->enter_flags, nullptr, _NSIG / 8));
}

void ring::enter(unsigned completions, duration at_most)
{
    __kernel_timespec time = {.tv_sec = at_most.count() / 1'000'000'000, .tv_nsec = at_most.count() % 1'000'000'000};
    io_uring_getevents_arg limit{};
    limit.sigmask_sz = _NSIG / 8;
    limit.ts = reinterpret_cast<std::uintptr_t>(&time);
    impl_->publish_buffers();
    const unsigned queued = impl_->flush();
    count(io_uring_enter2(static_cast<unsigned>(impl_->uring.enter_ring_fd), queued, completions,
                          IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | impl_->enter_flags,
                          reinterpret_cast<sigset_t*>(&limit), sizeof limit));
}

void ring::count(int entered)
{
    ++counters_.enters;
    if (entered >= 0) {
        counters_.submitted += static_cast<unsigned>(entered);
        return;
    }
    // EINTR: a signal. EBUSY, EAGAIN: completions must be taken, or memory is short; the next turn tries again.
    SLUICE_ASSERT(entered == -EINTR || entered == -EBUSY || entered == -EAGAIN || entered == -ETIME);
}

std::size_t ring::completions_ready() const noexcept { return io_uring_cq_ready(&impl_->uring); }

std::size_t ring::dispatch()
{
    // Copied out and released first: what a completion starts may need room in the queue, and what it ends must not be
    // met again through a completion that stands behind it.
    std::size_t count = 0;
    unsigned head = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&impl_->uring, head, cqe)
    {
        if (count == impl::batch_max) break;
        impl_->batch[count] = {cqe->user_data, {cqe->res, cqe->flags}};
        if (impl_->batch[count++].what.has_buffer()) ++counters_.buffers_taken;
    }
    io_uring_cq_advance(&impl_->uring, static_cast<unsigned>(count));
    counters_.completions += count;
    // The kernel keeps what finds no room until there is some, and counts only what it had no memory to keep.
    if (io_uring_cq_has_overflow(&impl_->uring)) ++counters_.overflows;
    const unsigned dropped = *impl_->uring.cq.koverflow;
    counters_.overflows += dropped - std::exchange(impl_->dropped, dropped);

    for (std::size_t i = 0; i < count; ++i) {
        if (i + fetched_ahead < count)
            fetch(impl_->batch[i + fetched_ahead].token, impl_->batch[i + fetched_ahead].what);
        deliver(impl_->batch[i].token, impl_->batch[i].what);
    }
    return count;
}

// What a completion will touch, while those before it are at work: the object that waits, whose size nobody knows
// here, and the beginning of what was received. Nothing is read, so what has gone by then does no harm.
void ring::fetch(std::uint64_t token, completion what) const noexcept
{
    const auto prefetch = [](const void* from, int lines) {
        auto at = reinterpret_cast<std::uintptr_t>(from);
        for (; lines > 0; --lines, at += cache_line) __builtin_prefetch(reinterpret_cast<const void*>(at));
    };
    const operation* op = impl_->find(token);
    if (op == nullptr) return;
    prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(op) - 2 * cache_line), 7);
    if (what.has_buffer()) prefetch(impl_->buffer_memory + std::size_t(what.buffer()) * impl_->buffer_bytes, 2);
}

void ring::deliver(std::uint64_t token, completion what)
{
    if (token == impl::message_token) {
        if (impl_->message_function != nullptr) impl_->message_function(impl_->message_argument);
        return;
    }
    operation* op = impl_->find(token);
    if (op == nullptr) {
        if (token != impl::no_token) ++counters_.stale;
        recycle(what);
        return;
    }
    if (what.result == -ENOBUFS) ++counters_.no_buffers;
    if (!what.more()) impl_->release(token);
    turn_watch::current().cut();
    op->complete_(*op, what);
}

int ring::fd() const noexcept { return impl_->uring.ring_fd; }
unsigned ring::buffers() const noexcept { return impl_->buffers; }

} // namespace sluice

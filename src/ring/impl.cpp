#include "ring/impl.hpp"

#include "ring/refusal.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace sluice {

namespace {

char* map_memory(std::size_t bytes) noexcept
{
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

std::unexpected<error> setup_failed(int number)
{
    const refusal_text why = explain_setup_refusal(number);
    return fail(errc::unavailable, why.what + ": " + why.mend);
}

} // namespace

ring::impl::~impl()
{
    if (is_open) io_uring_queue_exit(&uring);
    if (buffer_ring != nullptr) munmap(buffer_ring, buffers * sizeof(io_uring_buf));
    if (buffer_memory != nullptr) munmap(buffer_memory, std::size_t(buffers) * buffer_bytes);
}

result<void> ring::impl::open(const ring_options& options)
{
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                       IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;
    parameters.cq_entries = options.completions;
    if (int failed = io_uring_queue_init_params(options.submissions, &uring, &parameters); failed < 0)
        return setup_failed(-failed);
    is_open = true;
    // The index array stays the identity for ever: entries are taken and shown in one order.
    if (uring.sq.array != nullptr)
        for (unsigned i = 0; i < parameters.sq_entries; ++i) uring.sq.array[i] = i;
    if (io_uring_register_ring_fd(&uring) == 1) enter_flags |= IORING_ENTER_REGISTERED_RING;
    if ((parameters.features & IORING_FEAT_NO_IOWAIT) != 0) enter_flags |= IORING_ENTER_NO_IOWAIT;
    return {};
}

result<void> ring::impl::provide_buffers(const ring_options& options)
{
    buffers = options.buffers;
    buffer_bytes = options.buffer_bytes;
    buffer_memory = map_memory(std::size_t(buffers) * buffer_bytes);
    char* ring_memory = map_memory(buffers * sizeof(io_uring_buf));
    buffer_ring = reinterpret_cast<io_uring_buf_ring*>(ring_memory);
    if (buffer_memory == nullptr || buffer_ring == nullptr)
        return fail(errc::unavailable, "no memory for the receive buffers: raise the memory limit");
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffer_ring);
    registration.ring_entries = buffers;
    registration.bgid = buffer_group;
    if (int failed = io_uring_register_buf_ring(&uring, &registration, 0); failed < 0)
        return fail(errc::unavailable, "the receive buffers could not be registered (" +
                                           std::string(std::strerror(-failed)) + "): " + std::string(mend_memlock));
    io_uring_buf_ring_init(buffer_ring);
    for (unsigned id = 0; id < buffers; ++id) add_buffer(static_cast<std::uint16_t>(id));
    publish_buffers();
    return {};
}

void ring::impl::add_buffer(std::uint16_t id) noexcept
{
    io_uring_buf_ring_add(buffer_ring, buffer_memory + std::size_t(id) * buffer_bytes, buffer_bytes, id,
                          io_uring_buf_ring_mask(buffers), unpublished++);
}

void ring::impl::publish_buffers() noexcept
{
    if (unpublished == 0) return;
    io_uring_buf_ring_advance(buffer_ring, unpublished);
    unpublished = 0;
}

std::uint64_t ring::impl::enlist(operation& op)
{
    SLUICE_ASSERT(op.token_ == no_token);
    std::uint32_t index = free_head;
    if (index != 0) {
        free_head = slots[index].next_free;
    } else {
        index = static_cast<std::uint32_t>(slots.size());
        slots.emplace_back();
    }
    slots[index].op = &op;
    op.token_ = (std::uint64_t(slots[index].generation) << 32) | index;
    return op.token_;
}

operation* ring::impl::find(std::uint64_t token) noexcept
{
    const auto index = static_cast<std::uint32_t>(token);
    if (index == 0 || index >= slots.size()) return nullptr;
    const slot& s = slots[index];
    return s.generation == static_cast<std::uint32_t>(token >> 32) ? s.op : nullptr;
}

void ring::impl::release(std::uint64_t token) noexcept
{
    const auto index = static_cast<std::uint32_t>(token);
    slot& s = slots[index];
    s.op->token_ = no_token;
    s.op = nullptr;
    ++s.generation;
    s.next_free = free_head;
    free_head = index;
}

unsigned ring::impl::flush() noexcept
{
    io_uring_sq& sq = uring.sq;
    sq.sqe_head = sq.sqe_tail;
    std::atomic_ref<unsigned>(*sq.ktail).store(sq.sqe_tail, std::memory_order_release);
    return sq.sqe_tail - std::atomic_ref<unsigned>(*sq.khead).load(std::memory_order_acquire);
}

} // namespace sluice

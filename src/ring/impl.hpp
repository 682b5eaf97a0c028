// What a ring is made of: the kernel's queues, the table of operations in flight, the provided buffers.
#pragma once

#include "ring/compat.hpp"

#include <sluice/ring/ring.hpp>

#include <array>
#include <vector>

namespace sluice {

struct ring::impl
{
    struct slot
    {
        operation* op = nullptr;
        std::uint32_t generation = 1;
        std::uint32_t next_free = 0;
    };

    // Tokens that are nobody's: completions of operations that nobody waits for, and messages of other rings.
    static constexpr std::uint64_t no_token = 0;
    static constexpr std::uint64_t message_token = ~std::uint64_t(0);
    static constexpr unsigned buffer_group = 0;

    impl() = default;
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;
    ~impl();

    [[nodiscard]] result<void> open(const ring_options& options);
    [[nodiscard]] result<void> provide_buffers(const ring_options& options);
    void add_buffer(std::uint16_t id) noexcept;
    void publish_buffers() noexcept;

    // A free entry of the submission queue; a full queue is flushed first.
    [[nodiscard]] io_uring_sqe* entry(ring& owner);
    [[nodiscard]] std::uint64_t enlist(operation& op);
    // The operation of a token, if the token is still current.
    [[nodiscard]] operation* find(std::uint64_t token) noexcept;
    void release(std::uint64_t token) noexcept;

    // Shows the kernel what is queued; says how many entries it has not taken yet.
    [[nodiscard]] unsigned flush() noexcept;

    io_uring uring{};
    bool is_open = false;
    unsigned enter_flags = 0; // of every enter

    // Slot 0 is never used, so that no token is 0 and 0 ends the free list.
    std::vector<slot> slots = std::vector<slot>(1);
    std::uint32_t free_head = 0;

    io_uring_buf_ring* buffer_ring = nullptr;
    char* buffer_memory = nullptr;
    unsigned buffers = 0;
    unsigned buffer_bytes = 0;
    unsigned dropped = 0; // completions, by the kernel's count
    int unpublished = 0;  // buffers added and not yet shown to the kernel

    // Completions taken from the queue in this turn; a member, since a turn must not pay for clearing it.
    struct taken
    {
        std::uint64_t token;
        completion what;
    };
    static constexpr std::size_t batch_max = 512;
    std::array<taken, batch_max> batch;

    void (*message_function)(void*) = nullptr;
    void* message_argument = nullptr;
};

} // namespace sluice

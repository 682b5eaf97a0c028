// An operation in flight: who is told when the kernel has done something.
//
// Embed one in the object that waits; the ring keeps a reference to it until its last completion. The object, and any
// memory that the kernel reads or writes for it, must stay until then (the destructor asserts it). A completion is
// delivered by the shard's loop, after the reaping and never inside it, so the function may submit, cancel and free.
// Thread: the ring's.
#pragma once

#include <sluice/core/assert.hpp>

#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice {

struct completion
{
    std::int32_t result = 0; // what the operation gave, or -errno
    std::uint32_t flags = 0; // the kernel's IORING_CQE_F_* bits

    // Will this operation complete again (multishot)?
    [[nodiscard]] bool more() const noexcept { return (flags & 2U) != 0; }
    // Did it fill a provided buffer? Then it must be given back: ring::recycle().
    [[nodiscard]] bool has_buffer() const noexcept { return (flags & 1U) != 0; }
    [[nodiscard]] std::uint16_t buffer() const noexcept { return static_cast<std::uint16_t>(flags >> 16); }
};

class operation
{
public:
    using function = void (*)(operation&, completion);
    using called_by_loop = void;

    explicit operation(function f) noexcept : complete_(f) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    ~operation() { SLUICE_ASSERT(!in_flight()); }

    [[nodiscard]] bool in_flight() const noexcept { return token_ != 0; }

private:
    friend class ring;
    function complete_;
    std::uint64_t token_ = 0; // generation and slot in the ring's table; 0: not in flight
};

// A timeout, with the time that the kernel reads when it is submitted.
class timeout_operation : public operation
{
public:
    using operation::operation;

private:
    friend class ring;
    std::int64_t seconds_ = 0;
    std::int64_t nanoseconds_ = 0;
};

} // namespace sluice

#pragma GCC visibility pop

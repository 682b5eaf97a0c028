// io_uring, thinly: operations in, completions out. The only layer that knows liburing.
//
// The problem: user-data that outlives its owner is how io_uring programs die. The answer: user-data is a token, made
// of a slot and that slot's generation; a completion whose token is no longer current is dropped (its buffer recycled),
// so a late one never meets a reused slot.
//
// Submitting costs no system call: everything queued leaves with the next enter(), together with the wait for
// completions. Only when the submission queue is full is it flushed early. Functions that start something cannot fail;
// what the kernel refuses arrives as a completion with -errno.
//
// Receives fill provided buffers, of which a ring has one group. When they run out a receive ends with -ENOBUFS; its
// owner starts it again in a later turn, once buffers have been recycled.
//
// Thread: the one that created it (IORING_SETUP_SINGLE_ISSUER).
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/published.hpp>
#include <sluice/ring/operation.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

struct ring_options
{
    unsigned submissions = 1024;  // entries of the submission queue
    unsigned completions = 8192;  // entries of the completion queue; the kernel keeps what overflows
    unsigned buffers = 256;       // provided buffers, a power of two: few enough to stay in the cache
    unsigned buffer_bytes = 4096; // of each
};

// Any thread may read them.
struct ring_counters
{
    event_count enters; // io_uring_enter calls
    event_count submitted;
    event_count completions;
    event_count stale;                         // completions dropped because their token was no longer current
    event_count no_buffers;                    // receives that ended for want of a buffer
    event_count overflows;                     // completions that found the queue full: the kernel kept or dropped them
    published<std::int64_t> buffers_taken = 0; // now: provided buffers that are not yet given back
};

class ring
{
public:
    // Fails with a sentence that names the missing ability and its mend (see probe.hpp).
    [[nodiscard]] static result<std::unique_ptr<ring>> create(const ring_options& options);
    ~ring();
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;

    // --- Starting operations. `op` must not be in flight.
    void accept(int listener, operation& op);           // one; result: a descriptor (close-on-exec)
    void accept_multishot(int listener, operation& op); // likewise
    void receive_multishot(int fd, operation& op);      // result: bytes in a provided buffer; 0: end of file
    // All of `bytes` or an error (MSG_WAITALL); they must stay until the completion.
    void send(int fd, std::string_view bytes, operation& op);
    void send_message(int fd, const msghdr& message, operation& op);
    // Likewise, but with -EAGAIN where there is no room now. For datagrams: once the kernel has waited for room on a
    // unix socket it sends an empty one.
    void try_send_message(int fd, const msghdr& message, operation& op);
    void poll(int fd, unsigned events, operation& op); // once; result: the events
    void poll_multishot(int fd, unsigned events, operation& op);
    void connect(int fd, const sockaddr* address, socklen_t size, operation& op);
    void read(int fd, std::span<char> into, operation& op);
    void write(int fd, std::string_view bytes, operation& op);
    // Completes with -ETIME once `when` has passed.
    void timeout(time_point when, timeout_operation& op);
    // What is started next begins when what was started last has succeeded; where that fails it ends with -ECANCELED.
    // For chains that fit into the submission queue, started with no enter() between.
    void chain();
    // Asks for the end of an operation; it still completes, with -ECANCELED or with what it had done by then.
    void cancel(operation& op);
    // The owner goes away: cancels, and drops whatever completions still come. Only for operations that write no memory
    // of the owner and give no descriptor: receives into provided buffers, polls, timeouts.
    void abandon(operation& op);
    // Without a completion:
    void close(int fd);
    void shutdown(int fd, int how); // at once, ahead of what has been asked for in this turn
    // Wakes the ring with that descriptor: its on_message function runs.
    void message(int ring_fd);
    void on_message(void (*f)(void*), void* argument) noexcept;

    // --- Provided buffers: what a receive brought, and giving its buffer back.
    [[nodiscard]] std::string_view received(completion c) const noexcept;
    void recycle(completion c) noexcept;

    // --- A turn: enter, then dispatch.
    enum class wait : std::uint8_t
    {
        no,  // collect what is there
        yes, // sleep until there is a completion
    };
    // Submits what is queued and collects completions.
    void enter(wait w);
    // Likewise, and sleeps until there are so many completions or the time is over.
    void enter(unsigned completions, duration at_most);
    // Delivers collected completions, a bounded number of them; says how many.
    std::size_t dispatch();
    // Completions that dispatch() would deliver.
    [[nodiscard]] std::size_t completions_ready() const noexcept;

    [[nodiscard]] int fd() const noexcept;
    [[nodiscard]] unsigned buffers() const noexcept; // provided, all of them
    [[nodiscard]] const ring_counters& counters() const noexcept { return counters_; }

private:
    struct impl;
    explicit ring(std::unique_ptr<impl> i) noexcept;
    void fetch(std::uint64_t token, completion what) const noexcept;
    void deliver(std::uint64_t token, completion what);
    void count(int entered);

    std::unique_ptr<impl> impl_;
    ring_counters counters_;
};

} // namespace sluice

#pragma GCC visibility pop

// One thread's log lines on their way to the thread that writes them: a bounded ring of bytes, without locks.
//
// The problem: a shard may neither wait for a file nor allocate for a line. The answer: it copies the whole line in, if
// there is room, and goes on; the writing thread takes all that is there at once.
//
// Threads: one appends, one other takes. The owner of both ends retires the buffer after its last line.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace sluice::telemetry {

class log_buffer
{
public:
    explicit log_buffer(std::size_t bytes_min)
        : size_(std::bit_ceil(bytes_min)), bytes_(std::make_unique_for_overwrite<char[]>(size_))
    {}

    // --- The thread that logs.

    // False if there is no room. The line is published with a sequentially consistent store: whoever then looks whether
    // the other side sleeps either sees that it does, or has been seen.
    [[nodiscard]] bool try_append(std::string_view line) noexcept
    {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (size_ - (tail - head_seen_) < line.size()) {
            head_seen_ = head_.load(std::memory_order_acquire);
            if (size_ - (tail - head_seen_) < line.size()) return false;
        }
        const std::size_t at = tail & (size_ - 1);
        const std::size_t first = std::min(line.size(), size_ - at);
        std::memcpy(bytes_.get() + at, line.data(), first);
        std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
        tail_.store(tail + line.size(), std::memory_order_seq_cst);
        return true;
    }
    [[nodiscard]] bool more_than_half_full() noexcept
    {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_seen_ <= size_ / 2) return false;
        head_seen_ = head_.load(std::memory_order_acquire);
        return tail - head_seen_ > size_ / 2;
    }
    void retire() noexcept { retired_.store(true, std::memory_order_release); }

    // --- The thread that writes.

    [[nodiscard]] bool empty() const noexcept
    {
        return head_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_seq_cst);
    }
    // Nothing comes after what is there now.
    [[nodiscard]] bool retired() const noexcept { return retired_.load(std::memory_order_acquire); }
    // Gives `put` the whole lines that are there, in one piece or two; says whether there were any.
    template <class Put> bool take(Put put)
    {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        const std::size_t count = tail_.load(std::memory_order_acquire) - head;
        if (count == 0) return false;
        const std::size_t at = head & (size_ - 1);
        const std::size_t first = std::min(count, size_ - at);
        put(std::string_view(bytes_.get() + at, first));
        if (first < count) put(std::string_view(bytes_.get(), count - first));
        head_.store(head + count, std::memory_order_release);
        return true;
    }

private:
    static constexpr std::size_t line_bytes = 64;

    std::size_t size_; // a power of two
    std::unique_ptr<char[]> bytes_;
    std::atomic<bool> retired_ = false;
    alignas(line_bytes) std::atomic<std::size_t> tail_ = 0; // written by the thread that logs
    std::size_t head_seen_ = 0;                             // that thread's copy
    alignas(line_bytes) std::atomic<std::size_t> head_ = 0; // written by the thread that writes
};

} // namespace sluice::telemetry

// Memory of one thread, recycled by size: what makes steady state run without the heap.
//
// The problem: coroutine frames, response bodies and buffers come and go with every request, and a general allocator
// locks, searches and touches cold memory for each. The answer: free lists by size class (powers of two and the halves
// between them, 64 B to 64 KiB), one set a thread. A block goes back to the list of the thread that frees it. Larger
// blocks, and all under AddressSanitizer (so that it sees every use after free), go straight to operator new.
//
// Thread: any; each thread has its own lists. A list keeps a bounded number of bytes and gives the rest back; a thread
// that ends gives back everything.
#pragma once

#include <sluice/core/thread_local.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool pool_recycles = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool pool_recycles = false;
#else
inline constexpr bool pool_recycles = true;
#endif
#else
inline constexpr bool pool_recycles = true;
#endif

inline constexpr std::size_t pool_block_min = 64;
inline constexpr std::size_t pool_block_max = std::size_t{64} << 10;
// What a thread keeps of each size class.
inline constexpr std::size_t pool_kept_bytes_max = std::size_t{4} << 20;

namespace detail {

// Classes 0, 1, 2, 3, … hold blocks of 64, 96, 128, 192, … bytes.
constexpr unsigned pool_class(std::size_t bytes) noexcept
{
    if (bytes <= pool_block_min) return 0;
    const std::size_t last = bytes - 1;
    const auto top = static_cast<unsigned>(std::bit_width(last)) - 1;
    return (top - 6) * 2 + static_cast<unsigned>(last >> (top - 1) & 1) + 1;
}
constexpr std::size_t pool_class_bytes(unsigned index) noexcept
{
    return (index % 2 == 0 ? pool_block_min : pool_block_min + pool_block_min / 2) << (index / 2);
}
inline constexpr unsigned pool_classes = pool_class(pool_block_max) + 1;
static_assert(pool_class_bytes(pool_classes - 1) == pool_block_max);

struct pool_block
{
    pool_block* next;
};

// `room` counts the blocks that the list may still take: none before the first block comes back (which arms the
// thread's clean-up) and none after the clean-up, so the hot path needs no other test.
struct pool_list
{
    pool_block* head = nullptr;
    std::size_t room = 0;
};

SLUICE_THREAD_LOCAL inline thread_local pool_list pool_lists[pool_classes] = {};

void pool_deallocate_without_room(void* block, unsigned index) noexcept;

} // namespace detail

[[nodiscard]] inline void* pool_allocate(std::size_t bytes)
{
    if (!pool_recycles || bytes > pool_block_max) return ::operator new(bytes);
    const unsigned index = detail::pool_class(bytes);
    detail::pool_list& list = detail::pool_lists[index];
    if (list.head == nullptr) [[unlikely]]
        return ::operator new(detail::pool_class_bytes(index));
    ++list.room;
    detail::pool_block* block = list.head;
    list.head = block->next;
    return block;
}

// `bytes` is what was asked for.
inline void pool_deallocate(void* block, std::size_t bytes) noexcept
{
    if (!pool_recycles || bytes > pool_block_max) return ::operator delete(block, bytes);
    const unsigned index = detail::pool_class(bytes);
    detail::pool_list& list = detail::pool_lists[index];
    if (list.room == 0) [[unlikely]]
        return detail::pool_deallocate_without_room(block, index);
    --list.room;
    list.head = ::new (block) detail::pool_block{list.head};
}

// What a request for `bytes` really gets: growable buffers ask, so that no part of a block is wasted. Ask the pool for
// that many then, since under AddressSanitizer a request gets exactly what it names.
[[nodiscard]] constexpr std::size_t pool_round_up(std::size_t bytes) noexcept
{
    return bytes > pool_block_max ? bytes : detail::pool_class_bytes(detail::pool_class(bytes));
}

template <class T> struct pool_allocator
{
    using value_type = T;
    pool_allocator() noexcept = default;
    template <class U> pool_allocator(const pool_allocator<U>&) noexcept {}
    [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(pool_allocate(n * sizeof(T))); }
    void deallocate(T* p, std::size_t n) noexcept { pool_deallocate(p, n * sizeof(T)); }
    template <class U> friend bool operator==(const pool_allocator&, const pool_allocator<U>&) noexcept { return true; }
};

using pooled_string = std::basic_string<char, std::char_traits<char>, pool_allocator<char>>;
template <class T> using pooled_vector = std::vector<T, pool_allocator<T>>;

} // namespace sluice

#pragma GCC visibility pop

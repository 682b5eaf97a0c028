// Memory of one thread, recycled by size: what makes steady state run without the heap.
//
// The problem: coroutine frames, response bodies and buffers come and go with every request, and a general allocator
// locks, searches and touches cold memory for each. The answer: free lists by size class (powers of two and the halves
// between them, 64 B to 64 KiB), one set a thread. A block goes back to the list of the thread that frees it. Larger
// blocks, and all under AddressSanitizer (so that it sees every use after free), go straight to operator new.
//
// Thread: any; each thread has its own lists. A list keeps a bounded number of bytes and gives the rest back.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice
{

[[nodiscard]] void* pool_allocate(std::size_t bytes);
void pool_deallocate(void* block, std::size_t bytes) noexcept;

// What a request for `bytes` really gets: growable buffers ask, so that no part of a block is wasted.
[[nodiscard]] std::size_t pool_round_up(std::size_t bytes) noexcept;

template <class T>
struct pool_allocator
{
    using value_type = T;
    pool_allocator() noexcept = default;
    template <class U>
    pool_allocator(const pool_allocator<U>&) noexcept
    {
    }
    [[nodiscard]] T* allocate(std::size_t n) { return static_cast<T*>(pool_allocate(n * sizeof(T))); }
    void deallocate(T* p, std::size_t n) noexcept { pool_deallocate(p, n * sizeof(T)); }
    template <class U>
    friend bool operator==(const pool_allocator&, const pool_allocator<U>&) noexcept
    {
        return true;
    }
};

using pooled_string = std::basic_string<char, std::char_traits<char>, pool_allocator<char>>;
template <class T>
using pooled_vector = std::vector<T, pool_allocator<T>>;

} // namespace sluice

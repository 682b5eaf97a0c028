#include "heap_count.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t of_thread = 0;
std::atomic<std::uint64_t> of_all = 0;

void count() noexcept
{
    ++of_thread;
    of_all.fetch_add(1, std::memory_order_relaxed);
}

} // namespace

namespace sluice::test {

std::uint64_t heap_blocks_of_thread() noexcept { return of_thread; }
std::uint64_t heap_blocks() noexcept { return of_all.load(std::memory_order_relaxed); }

} // namespace sluice::test

#if defined(__SANITIZE_ADDRESS__)
#define HEAP_IS_A_SANITIZERS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_IS_A_SANITIZERS
#endif
#endif

#if defined(__GLIBC__) && !defined(HEAP_IS_A_SANITIZERS)

extern "C" {
void* __libc_malloc(std::size_t bytes);                    // NOLINT
void* __libc_calloc(std::size_t count, std::size_t bytes); // NOLINT
void* __libc_realloc(void* block, std::size_t bytes);      // NOLINT
void* malloc(std::size_t bytes) noexcept
{
    count();
    return __libc_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) noexcept
{
    count();
    return __libc_calloc(number, bytes);
}
void* realloc(void* block, std::size_t bytes) noexcept
{
    count();
    return __libc_realloc(block, bytes);
}
}

#else

void* operator new(std::size_t bytes)
{
    count();
    if (void* block = std::malloc(bytes)) return block;
    throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

#endif

// How many blocks were taken from the heap: for tests of what must take none. Where heap_count.cpp is linked in, a
// program has malloc and what ends there (operator new) counted; under a sanitizer, whose malloc it is, only operator
// new.
#pragma once

#include <cstdint>

namespace sluice::test {

// Since the start, by the calling thread. Any thread.
[[nodiscard]] std::uint64_t heap_blocks_of_thread() noexcept;
// By all threads.
[[nodiscard]] std::uint64_t heap_blocks() noexcept;

} // namespace sluice::test

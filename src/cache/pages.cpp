#include "cache/pages.hpp"

#include <sys/mman.h>

#include <new>

namespace sluice::cache {

pages::pages(std::size_t bytes) : bytes_(bytes)
{
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<char*>(memory);
}

pages::~pages() { munmap(data_, bytes_); }

} // namespace sluice::cache

#include "cache/pages.hpp"

#include <sys/mman.h>

#include <memory>
#include <new>

namespace sluice::cache {

pages::pages(std::size_t bytes)
    : page_bytes_(bytes >= huge_page_bytes ? huge_page_bytes : small_page_bytes),
      // With room to begin at a page's beginning.
      mapped_bytes_(bytes + page_bytes_ - small_page_bytes),
      mapped_(mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))
{
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    void* aligned = mapped_;
    std::size_t room = mapped_bytes_;
    data_ = static_cast<char*>(std::align(page_bytes_, bytes, aligned, room));
    // The kernel may refuse, and gives small pages then.
    if (page_bytes_ == huge_page_bytes) madvise(data_, bytes, MADV_HUGEPAGE);
}

pages::~pages() { munmap(mapped_, mapped_bytes_); }

} // namespace sluice::cache

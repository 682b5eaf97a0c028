// Zeroed memory from the kernel, which gives each page when it is first touched: pages of 2 MiB where it can, since a
// cache reads at random, and most of such a read is the walk through the page tables.
#pragma once

#include <cstddef>

namespace sluice::cache {

inline constexpr std::size_t small_page_bytes = 4096;
inline constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

class pages
{
public:
    // Throws std::bad_alloc.
    explicit pages(std::size_t bytes);
    ~pages();
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;

    [[nodiscard]] char* data() const noexcept { return data_; }
    // As much as one touch may take.
    [[nodiscard]] std::size_t page_bytes() const noexcept { return page_bytes_; }

private:
    std::size_t page_bytes_;
    std::size_t mapped_bytes_;
    void* mapped_;
    char* data_;
};

} // namespace sluice::cache

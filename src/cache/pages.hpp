// Zeroed memory from the kernel, which gives each page when it is first touched.
#pragma once

#include <cstddef>

namespace sluice::cache {

inline constexpr std::size_t page_bytes = 4096;

class pages
{
public:
    // Throws std::bad_alloc.
    explicit pages(std::size_t bytes);
    ~pages();
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;

    [[nodiscard]] char* data() const noexcept { return data_; }

private:
    std::size_t bytes_;
    char* data_;
};

} // namespace sluice::cache

// A growable run of bytes from the thread's pool: where output is gathered and input is carried over.
//
// Append at the end, consume at the front. An empty buffer owns no memory after reset(). Movable, owned by one object
// of one shard. Views into it end at the next append, reserve or reset.
#pragma once

#include <sluice/core/pool.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

class buffer
{
public:
    buffer() noexcept = default;
    buffer(buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), begin_(std::exchange(other.begin_, 0)),
          end_(std::exchange(other.end_, 0)), capacity_(std::exchange(other.capacity_, 0))
    {}
    buffer& operator=(buffer&& other) noexcept
    {
        buffer moved(std::move(other));
        swap(moved);
        return *this;
    }
    ~buffer() { reset(); }

    [[nodiscard]] const char* data() const noexcept { return data_ + begin_; }
    [[nodiscard]] char* data() noexcept { return data_ + begin_; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    [[nodiscard]] bool empty() const noexcept { return end_ == begin_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::string_view view() const noexcept { return {data(), size()}; }

    // Room for `bytes` more at the end; write there, then commit() what was written.
    [[nodiscard]] char* reserve(std::size_t bytes)
    {
        if (capacity_ - end_ < bytes) grow(bytes);
        return data_ + end_;
    }
    void commit(std::size_t bytes) noexcept { end_ += bytes; }

    void append(std::string_view text)
    {
        if (text.empty()) return;
        std::memcpy(reserve(text.size()), text.data(), text.size());
        end_ += text.size();
    }
    void push_back(char c)
    {
        *reserve(1) = c;
        ++end_;
    }
    void consume(std::size_t bytes) noexcept
    {
        begin_ += bytes;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    void clear() noexcept { begin_ = end_ = 0; }
    void truncate(std::size_t size) noexcept { end_ = begin_ + size; }
    void reset() noexcept
    {
        if (data_ != nullptr) pool_deallocate(data_, capacity_);
        data_ = nullptr;
        begin_ = end_ = capacity_ = 0;
    }
    void swap(buffer& other) noexcept
    {
        std::swap(data_, other.data_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
        std::swap(capacity_, other.capacity_);
    }

private:
    void grow(std::size_t bytes);

    char* data_ = nullptr;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace sluice

#pragma GCC visibility pop

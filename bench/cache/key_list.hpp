// Keys in an order that changes, as policies keep them: doubly linked through an array. A key is in it once at most.
#pragma once

#include <cstdint>
#include <vector>

namespace hit_ratios {

class key_list
{
public:
    explicit key_list(std::size_t keys) : end_(static_cast<std::uint32_t>(keys)), links_(keys + 1)
    {
        links_[end_] = {end_, end_};
    }
    [[nodiscard]] std::uint32_t end() const { return end_; }
    [[nodiscard]] bool empty() const { return back() == end_; }
    [[nodiscard]] std::uint32_t back() const { return links_[end_].before; }
    [[nodiscard]] std::uint32_t before(std::uint32_t key) const { return links_[key].before; }

    void push_front(std::uint32_t key)
    {
        const std::uint32_t first = links_[end_].after;
        links_[key] = {end_, first};
        links_[first].before = links_[end_].after = key;
    }
    void remove(std::uint32_t key)
    {
        links_[links_[key].before].after = links_[key].after;
        links_[links_[key].after].before = links_[key].before;
    }

private:
    struct link
    {
        std::uint32_t before, after;
    };
    std::uint32_t end_;
    std::vector<link> links_;
};

// A list that also counts the bytes of its keys.
class sized_list : public key_list
{
public:
    explicit sized_list(const std::vector<std::uint32_t>& sizes) : key_list(sizes.size()), sizes_(sizes) {}

    void push_front(std::uint32_t key)
    {
        key_list::push_front(key);
        bytes_ += sizes_[key];
    }
    void remove(std::uint32_t key)
    {
        key_list::remove(key);
        bytes_ -= sizes_[key];
    }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    // Without its last key, which it gives.
    std::uint32_t pop_back()
    {
        const std::uint32_t last = back();
        remove(last);
        return last;
    }

private:
    const std::vector<std::uint32_t>& sizes_;
    std::size_t bytes_ = 0;
};

[[nodiscard]] std::vector<std::uint32_t> sizes_of(const std::vector<std::uint32_t>& value_bytes);

} // namespace hit_ratios

// LRU and SIEVE (Zhang et al., NSDI 2024): one list each.
#include "key_list.hpp"
#include "policy.hpp"

namespace hit_ratios {

namespace {

class lru final : public policy
{
public:
    lru(const trace& of, std::size_t bytes) : bytes_(bytes), sizes_(sizes_of(of.value_bytes)), there_(sizes_.size()) {}

    bool ask(std::uint32_t key) override
    {
        const bool hit = there_[key];
        if (hit) recent_.remove(key);
        while (recent_.bytes() + sizes_[key] > bytes_) there_[recent_.pop_back()] = false;
        recent_.push_front(key);
        there_[key] = true;
        return hit;
    }
    void forget(std::uint32_t key) override
    {
        if (there_[key]) recent_.remove(key);
        there_[key] = false;
    }

private:
    std::size_t bytes_;
    std::vector<std::uint32_t> sizes_;
    std::vector<bool> there_;
    sized_list recent_{sizes_};
};

class sieve final : public policy
{
public:
    sieve(const trace& of, std::size_t bytes)
        : bytes_(bytes), sizes_(sizes_of(of.value_bytes)), there_(sizes_.size()), visited_(sizes_.size())
    {}

    bool ask(std::uint32_t key) override
    {
        if (there_[key]) {
            visited_[key] = true;
            return true;
        }
        while (queue_.bytes() + sizes_[key] > bytes_) evict();
        queue_.push_front(key);
        there_[key] = true;
        visited_[key] = false;
        return false;
    }
    void forget(std::uint32_t key) override
    {
        if (!there_[key]) return;
        if (hand_ == key) hand_ = queue_.before(key);
        queue_.remove(key);
        there_[key] = false;
    }

private:
    void evict()
    {
        if (hand_ == queue_.end()) hand_ = queue_.back();
        while (visited_[hand_]) {
            visited_[hand_] = false;
            hand_ = queue_.before(hand_);
            if (hand_ == queue_.end()) hand_ = queue_.back();
        }
        forget(hand_);
    }

    std::size_t bytes_;
    std::vector<std::uint32_t> sizes_;
    std::vector<bool> there_, visited_;
    sized_list queue_{sizes_};
    std::uint32_t hand_ = queue_.end();
};

} // namespace

std::unique_ptr<policy> make_lru(const trace& of, std::size_t bytes) { return std::make_unique<lru>(of, bytes); }
std::unique_ptr<policy> make_sieve(const trace& of, std::size_t bytes) { return std::make_unique<sieve>(of, bytes); }

} // namespace hit_ratios

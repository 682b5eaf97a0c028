// W-TinyLFU (Einziger, Friedman and Manes, 2017): a window of one hundredth, a segmented LRU behind it, and between
// them a sketch of how often each key was asked for lately.
#include "key_list.hpp"
#include "policy.hpp"

#include <algorithm>
#include <bit>

namespace hit_ratios {

namespace {

// Four rows of counters up to 15, halved after ten requests for each entry that the cache can hold.
class sketch
{
public:
    explicit sketch(std::size_t entries)
        : mask_(std::bit_ceil(std::max<std::size_t>(entries, 16)) - 1), period_(10 * entries),
          counters_(4 * (mask_ + 1))
    {}
    void add(std::uint32_t key)
    {
        for (std::size_t row = 0; row < 4; ++row)
            if (std::uint8_t& one = counter(row, key); one < 15) ++one;
        if (++added_ < period_) return;
        added_ /= 2;
        for (std::uint8_t& one : counters_) one /= 2;
    }
    std::uint8_t estimate(std::uint32_t key)
    {
        return std::min({counter(0, key), counter(1, key), counter(2, key), counter(3, key)});
    }

private:
    std::uint8_t& counter(std::size_t row, std::uint32_t key)
    {
        std::uint64_t mixed = (key + 1) * (0x9e37'79b9'7f4a'7c15U + 2 * row * 0x6a09'e667'f3bc'c908U);
        mixed ^= mixed >> 29;
        mixed *= 0xbf58'476d'1ce4'e5b9U;
        return counters_[row * (mask_ + 1) + (mixed >> 32 & mask_)];
    }
    std::size_t mask_, period_, added_ = 0;
    std::vector<std::uint8_t> counters_;
};

class w_tiny_lfu final : public policy
{
public:
    w_tiny_lfu(const trace& of, std::size_t bytes)
        : window_bytes_(bytes / 100), main_bytes_(bytes - window_bytes_), sizes_(sizes_of(of.value_bytes)),
          where_(sizes_.size(), place::nowhere), often_(bytes / mean_size())
    {}

    bool ask(std::uint32_t key) override
    {
        often_.add(key);
        const place was = where_[key];
        leave(key);
        switch (was) {
        case place::nowhere:
            enter(window_, key, place::window);
            break;
        case place::window:
            enter(window_, key, place::window);
            return true;
        case place::probation:
        case place::kept:
            keep(key);
            return true;
        }
        while (window_.bytes() > window_bytes_) admit(window_.back());
        return false;
    }
    void forget(std::uint32_t key) override { leave(key); }

private:
    enum class place : std::uint8_t
    {
        nowhere,
        window,
        probation,
        kept,
    };
    [[nodiscard]] std::size_t mean_size() const
    {
        std::size_t sum = 0;
        for (const std::uint32_t size : sizes_) sum += size;
        return sum / sizes_.size();
    }
    void enter(sized_list& list, std::uint32_t key, place which)
    {
        list.push_front(key);
        where_[key] = which;
    }
    void leave(std::uint32_t key)
    {
        if (where_[key] == place::window)
            window_.remove(key);
        else if (where_[key] == place::probation)
            probation_.remove(key);
        else if (where_[key] == place::kept)
            kept_.remove(key);
        where_[key] = place::nowhere;
    }
    void keep(std::uint32_t key)
    {
        enter(kept_, key, place::kept);
        while (kept_.bytes() > main_bytes_ * 8 / 10) {
            const std::uint32_t last = kept_.back();
            leave(last);
            enter(probation_, last, place::probation);
        }
    }
    // From the window into the main part, if it is asked for more often than what has to go for it.
    void admit(std::uint32_t candidate)
    {
        leave(candidate);
        while (probation_.bytes() + kept_.bytes() + sizes_[candidate] > main_bytes_) {
            const std::uint32_t victim = probation_.empty() ? kept_.back() : probation_.back();
            if (often_.estimate(candidate) <= often_.estimate(victim)) return;
            leave(victim);
        }
        enter(probation_, candidate, place::probation);
    }

    std::size_t window_bytes_, main_bytes_;
    std::vector<std::uint32_t> sizes_;
    std::vector<place> where_;
    sketch often_;
    sized_list window_{sizes_}, probation_{sizes_}, kept_{sizes_};
};

} // namespace

std::unique_ptr<policy> make_w_tiny_lfu(const trace& of, std::size_t bytes)
{
    return std::make_unique<w_tiny_lfu>(of, bytes);
}

} // namespace hit_ratios

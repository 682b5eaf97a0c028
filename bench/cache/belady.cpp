#include "key_list.hpp"
#include "policy.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <queue>
#include <utility>

namespace hit_ratios {

namespace {

constexpr std::size_t never = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t not_there = never + 1;

// With entries of one size it is the optimum; where sizes differ nobody can compute that, and this comes near it.
class belady final : public policy
{
public:
    belady(const trace& of, std::size_t bytes)
        : bytes_(bytes), sizes_(sizes_of(of.value_bytes)), due_(sizes_.size(), never), next_(of.requests.size())
    {
        for (std::size_t i = of.requests.size(); i-- > 0;) {
            const request& one = of.requests[i];
            next_[i] = std::exchange(due_[one.key], one.writes ? never : i);
        }
        std::ranges::fill(due_, not_there);
    }

    bool ask(std::uint32_t key) override
    {
        const bool hit = due_[key] != not_there;
        if (!hit) used_ += sizes_[key];
        due_[key] = next_[now_++];
        // A key may be named more than once; only its last naming counts.
        latest_[static_cast<std::size_t>(std::bit_width(sizes_[key]))].emplace(due_[key], key);
        while (used_ > bytes_) evict();
        return hit;
    }
    void forget(std::uint32_t key) override
    {
        ++now_;
        if (due_[key] != not_there) drop(key);
    }

private:
    using naming = std::pair<std::size_t, std::uint32_t>; // when it is due, key

    void drop(std::uint32_t key)
    {
        due_[key] = not_there;
        used_ -= sizes_[key];
    }
    // The one that would occupy the most bytes for the longest time, among the last of each class of sizes.
    void evict()
    {
        std::size_t most = 0;
        std::priority_queue<naming>* worst = nullptr;
        for (auto& of_size : latest_) {
            while (!of_size.empty() && due_[of_size.top().second] != of_size.top().first) of_size.pop();
            if (of_size.empty()) continue;
            const auto [due, key] = of_size.top();
            const std::size_t weight = (due - now_ + 1) * sizes_[key];
            if (worst == nullptr || weight > most) worst = &of_size, most = weight;
        }
        drop(worst->top().second);
        worst->pop();
    }

    std::size_t bytes_, used_ = 0, now_ = 0;
    std::vector<std::uint32_t> sizes_;
    std::vector<std::size_t> due_;  // by key: when it is asked for next
    std::vector<std::size_t> next_; // by request: when its key is asked for again
    std::array<std::priority_queue<naming>, 33> latest_;
};

} // namespace

std::unique_ptr<policy> make_belady(const trace& of, std::size_t bytes) { return std::make_unique<belady>(of, bytes); }

} // namespace hit_ratios

// The keys of a home shard whose deletion the second tier has not confirmed: until it has, that tier is neither read
// nor filled for them.
//
// The problem: a value that is older than an acknowledged write may still be in Redis, because Redis was away or did
// not answer. The answer: the key stays here until a deletion that was sent after its last write is confirmed. There is
// room for a bounded number; where one more comes, the whole tier counts as unreadable until every value from before
// has expired by itself.
//
// A confirmation is that of one run of the server. Where another is there, be it one that was left before, the keys
// that were written within the longest life of a value have to be deleted once more. As many are remembered.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/hash.hpp>
#include <sluice/core/pool.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sluice::cache {

class pending_keys
{
public:
    pending_keys(std::size_t keys_max, duration longest_life) : keys_max_(keys_max), longest_life_(longest_life) {}

    // A key was written: gives the generation that a confirmation must name.
    std::uint64_t add(std::string_view key, time_point now)
    {
        const std::uint64_t generation = ++generations_;
        if (const auto known = keys_.find(key); known != keys_.end()) {
            if (known->second.lost) --lost_;
            known->second = {.generation = generation, .lost = false, .written = now};
        } else if (keys_.size() < keys_max_) {
            keys_.emplace(pooled_string(key), state{.generation = generation, .lost = false, .written = now});
        } else {
            unreadable_until_ = now + longest_life_;
            ++overflows_;
        }
        return generation;
    }

    // What became of a deletion: who was written again meanwhile waits for the later one.
    void settle(std::string_view key, std::uint64_t generation, bool confirmed, time_point now)
    {
        const auto known = keys_.find(key);
        if (known == keys_.end() || known->second.generation != generation) return;
        if (confirmed) {
            if (known->second.lost) --lost_;
            remember(keys_.extract(known), now);
        } else if (!std::exchange(known->second.lost, true)) {
            ++lost_;
        }
    }

    // Another run of the server is there, which may hold what the former ones have confirmed to be gone.
    void doubt_all(time_point now)
    {
        unreadable_until_ = std::max(unreadable_until_, forgotten_until_);
        for (; !confirmed_.empty(); confirmed_.pop_front()) {
            written& w = confirmed_.front();
            if (now >= w.at + longest_life_) continue;
            if (const auto known = keys_.find(w.key); known != keys_.end()) {
                known->second.written = std::max(known->second.written, w.at);
            } else if (keys_.size() < keys_max_) {
                keys_.emplace(std::move(w.key), state{.generation = ++generations_, .lost = true, .written = w.at});
                ++lost_;
            } else {
                unreadable_until_ = std::max(unreadable_until_, w.at + longest_life_);
                ++overflows_;
            }
        }
    }

    [[nodiscard]] bool readable(std::string_view key, time_point now) const
    {
        return now >= unreadable_until_ && (keys_.empty() || !keys_.contains(key));
    }

    // Calls f(key, generation) for up to `count` keys whose deletion has to be sent again, and holds it for sent.
    template <class F> void send_again(std::size_t count, F f)
    {
        for (auto& [key, s] : keys_) {
            if (count == 0 || lost_ == 0) return;
            if (!s.lost) continue;
            s.lost = false;
            --lost_;
            --count;
            f(std::string_view(key), s.generation);
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return keys_.size(); }
    [[nodiscard]] bool any_lost() const noexcept { return lost_ != 0; }
    [[nodiscard]] std::uint64_t overflows() const noexcept { return overflows_; }

private:
    struct state
    {
        std::uint64_t generation;
        bool lost; // the deletion failed, or nobody knows
        time_point written;
    };
    struct hash
    {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const noexcept { return hash_bytes(key); }
    };
    struct equal
    {
        using is_transparent = void;
        bool operator()(std::string_view a, std::string_view b) const noexcept { return a == b; }
    };
    using table =
        std::unordered_map<pooled_string, state, hash, equal, pool_allocator<std::pair<const pooled_string, state>>>;
    struct written
    {
        pooled_string key;
        time_point at;
    };

    void remember(table::node_type confirmed, time_point now)
    {
        while (!confirmed_.empty() && now >= confirmed_.front().at + longest_life_) confirmed_.pop_front();
        if (confirmed_.size() >= keys_max_) {
            forgotten_until_ = std::max(forgotten_until_, confirmed_.front().at + longest_life_);
            confirmed_.pop_front();
        }
        confirmed_.push_back({.key = std::move(confirmed.key()), .at = confirmed.mapped().written});
    }

    table keys_;
    std::deque<written, pool_allocator<written>> confirmed_; // by the run that is there
    std::size_t keys_max_;
    duration longest_life_;
    time_point unreadable_until_ = time_point::min();
    time_point forgotten_until_ = time_point::min(); // what was written and is not among confirmed_ any more
    std::size_t lost_ = 0;
    std::uint64_t generations_ = 0;
    std::uint64_t overflows_ = 0;
};

} // namespace sluice::cache

// What the shards of a process share of a rate limit: the policy in force, a place for each shard, and whether Redis
// answers. Atomics that are written when a policy changes or Redis comes and goes, and read by all otherwise.
#pragma once

#include "limit/counter_table.hpp"
#include "limit/outage_log.hpp"
#include "limit/shard_memory.hpp"

#include <sluice/limit/rate_limit.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::limit {

// A policy, with what is made of it once.
struct prepared
{
    explicit prepared(policy p);

    policy said;
    rules by;
    std::string field;       // RateLimit-Policy
    std::string redis_names; // the beginning of the keys' names: "sluice:limit:NAME:WINDOW:", a window for each quota

    static constexpr std::size_t redis_window_max = 16; // "2678400000000us:"
    static constexpr std::size_t redis_names_max = 13 + policy_name_max + 1 + quotas_max * redis_window_max;
};

// Touched by one shard.
struct alignas(64) place
{
    counter_table counters;
    shard_memory memory;
    const prepared* by = nullptr; // what the memory goes by
};

class limit_state
{
public:
    limit_state(policy p, const rate_limit_options& options);

    [[nodiscard]] const prepared& in_force() const noexcept { return *in_force_.load(std::memory_order_acquire); }
    [[nodiscard]] result<void> change(policy to);

    [[nodiscard]] unsigned shards() const noexcept { return static_cast<unsigned>(places_.size()); }
    [[nodiscard]] place& at(unsigned shard) noexcept { return *places_[shard]; }
    [[nodiscard]] unsigned home_of(std::uint64_t hash) const noexcept
    {
        return static_cast<unsigned>(hash % places_.size());
    }
    [[nodiscard]] const rate_limit_options& options() const noexcept { return options_; }

    // --- Redis, as the process sees it: away while one of its shards gets no answer.
    void begin_failing(const char* why, time_point now, outage_of what);
    // `run`: of its server, nothing where that is not known. False: that the outage is over is to be said later, by
    // say_settled().
    [[nodiscard]] bool end_failing(time_point now, std::string_view run);
    void say_settled(time_point now);
    // Of a request, while Redis decides about others: it has to hear of it, as after an outage.
    void decided_alone(time_point now) noexcept;
    [[nodiscard]] bool failing() const noexcept { return failing_.load(std::memory_order_acquire) != 0; }
    // Since the start: tells one outage from another. 0: none yet.
    [[nodiscard]] std::uint32_t outages() const noexcept { return outages_.load(std::memory_order_relaxed); }
    // Which run of Redis this is, or may be: another may have lost what the one before knew.
    [[nodiscard]] std::uint32_t run_number(std::string_view run);
    [[nodiscard]] std::uint32_t runs() const noexcept { return runs_.load(std::memory_order_relaxed); } // the last
    // Has an outage ended so lately that a shard's client may still wait before it connects again?
    [[nodiscard]] bool settling(time_point now) const noexcept;
    // Does a key's home count, or has it so lately, be it for one request, that it has to hear what Redis says?
    [[nodiscard]] bool home_counts(time_point now) const noexcept;
    // Can a window still hold what the process let pass by itself?
    [[nodiscard]] bool recovering(time_point now, micros longest) const noexcept;

private:
    void say_back() const;

    rate_limit_options options_;
    std::vector<std::unique_ptr<place>> places_;
    std::atomic<const prepared*> in_force_ = nullptr;
    std::atomic<unsigned> failing_ = 0; // shards
    std::atomic<std::uint32_t> outages_ = 0;
    std::atomic<std::int64_t> ended_at_ = 0; // the last outage; nanoseconds, nothing before there was one
    std::atomic<std::int64_t> alone_at_ = 0; // the same of when the process last counted by itself, if for one request
    std::mutex changing_;                    // of those who change it, never of a shard's requests
    std::vector<std::unique_ptr<const prepared>> policies_;
    std::mutex
        telling_; // of a shard that loses Redis or has it back, and of questions soon after, for some instructions
    outage_log told_;
    std::string run_; // of Redis
    std::atomic<std::uint32_t> runs_ = 1;
};

} // namespace sluice::limit

// A policy under simulation: what a cache of so many bytes would have had.
#pragma once

#include "trace.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hit_ratios {

class policy
{
public:
    policy() = default;
    virtual ~policy() = default;
    policy(const policy&) = delete;
    policy& operator=(const policy&) = delete;

    // Is it there? If not, it is afterwards, unless the policy would rather not have it.
    virtual bool ask(std::uint32_t key) = 0;
    virtual void forget(std::uint32_t key) = 0;
};

// What an entry of a first tier occupies, with its header and a key of eight bytes; models count the same.
[[nodiscard]] std::uint32_t entry_bytes(std::uint32_t value_bytes) noexcept;

using make_policy = std::unique_ptr<policy> (*)(const trace& of, std::size_t bytes);

[[nodiscard]] std::unique_ptr<policy> make_lru(const trace& of, std::size_t bytes);
[[nodiscard]] std::unique_ptr<policy> make_sieve(const trace& of, std::size_t bytes);
[[nodiscard]] std::unique_ptr<policy> make_s3_fifo(const trace& of, std::size_t bytes);
[[nodiscard]] std::unique_ptr<policy> make_w_tiny_lfu(const trace& of, std::size_t bytes);
// The optimum, which knows the future: out goes what is asked for latest, weighed by its size where sizes differ.
[[nodiscard]] std::unique_ptr<policy> make_belady(const trace& of, std::size_t bytes);
// sluice::cache::first_tier itself, with as much room for entries; its index comes on top.
[[nodiscard]] std::unique_ptr<policy> make_first_tier(const trace& of, std::size_t bytes);

struct named_policy
{
    const char* name;
    make_policy make;
};
inline constexpr named_policy policies[] = {
    {"LRU", make_lru},
    {"SIEVE", make_sieve},
    {"S3-FIFO", make_s3_fifo},
    {"W-TinyLFU", make_w_tiny_lfu},
    {"first_tier", make_first_tier},
    {"optimum", make_belady},
};

// Hits in a hundred reads. `share`: of the memory that all keys would need.
[[nodiscard]] double hit_ratio(make_policy make, const trace& of, double share);

} // namespace hit_ratios

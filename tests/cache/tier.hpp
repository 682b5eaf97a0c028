// A first tier as tests speak to it: keys without their hashes, times in seconds.
#pragma once

#include <sluice/cache/first_tier.hpp>
#include <sluice/core/hash.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cache::testing {

constexpr time_point at(int seconds) { return time_point(std::chrono::seconds(seconds)); }

class tier
{
public:
    explicit tier(std::size_t bytes, std::size_t entry_bytes_max = std::size_t{1} << 20)
        : under_test({.bytes = bytes, .entry_bytes_max = entry_bytes_max})
    {}

    void put(std::string_view key, std::string_view value, int fresh_until = 60, int stale_until = 60,
             entry_flags flags = entry_flags::none)
    {
        under_test.put(hash_bytes(key), key, value, at(fresh_until), at(stale_until), flags);
    }
    std::optional<cached> look(std::string_view key, int now = 0)
    {
        return under_test.find(hash_bytes(key), key, at(now));
    }
    // The value; "none" where there is nothing.
    std::string find(std::string_view key, int now = 0)
    {
        const auto found = look(key, now);
        return found ? std::string(found->value) : "none";
    }
    bool erase(std::string_view key) { return under_test.erase(hash_bytes(key), key); }
    [[nodiscard]] first_tier_counters counters() const { return under_test.counters(); }

    first_tier under_test;
};

} // namespace sluice::cache::testing

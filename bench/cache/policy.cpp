#include "policy.hpp"

#include "key_list.hpp"

#include <sluice/cache/first_tier.hpp>
#include <sluice/core/hash.hpp>

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>

namespace hit_ratios {

namespace {

// Header and key, and up to a whole number of eight bytes: see src/cache/entry.hpp.
constexpr std::uint32_t header_bytes = 32;

class real_first_tier final : public policy
{
public:
    real_first_tier(const trace& of, std::size_t bytes)
        : sizes_(of.value_bytes), value_(*std::max_element(sizes_.begin(), sizes_.end()), 'v'),
          tier_({.bytes = with_index(bytes)})
    {}

    bool ask(std::uint32_t key) override
    {
        const name_of name(key);
        if (tier_.find(name.hash, name, {})) return true;
        tier_.put(name.hash, name, std::string_view(value_).substr(0, sizes_[key]), sluice::never, sluice::never);
        return false;
    }
    void forget(std::uint32_t key) override
    {
        const name_of name(key);
        tier_.erase(name.hash, name);
    }

private:
    struct name_of
    {
        explicit name_of(std::uint32_t key) : number(key), hash(sluice::hash_bytes(*this)) {}
        operator std::string_view() const { return {reinterpret_cast<const char*>(&number), sizeof(number)}; }
        std::uint64_t number;
        std::uint64_t hash;
    };
    // The index and the ghosts take 10.5 % of a tier.
    static std::size_t with_index(std::size_t bytes) { return bytes * 1000 / 895; }

    const std::vector<std::uint32_t>& sizes_;
    std::string value_;
    sluice::cache::first_tier tier_;
};

} // namespace

std::uint32_t entry_bytes(std::uint32_t value_bytes) noexcept
{
    return (header_bytes + sizeof(std::uint64_t) + value_bytes + 7) / 8 * 8;
}

std::vector<std::uint32_t> sizes_of(const std::vector<std::uint32_t>& value_bytes)
{
    std::vector<std::uint32_t> sizes;
    sizes.reserve(value_bytes.size());
    for (const std::uint32_t bytes : value_bytes) sizes.push_back(entry_bytes(bytes));
    return sizes;
}

std::unique_ptr<policy> make_first_tier(const trace& of, std::size_t bytes)
{
    return std::make_unique<real_first_tier>(of, bytes);
}

double hit_ratio(make_policy make, const trace& of, double share)
{
    const std::vector<std::uint32_t> sizes = sizes_of(of.value_bytes);
    const auto all = static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}));
    const std::unique_ptr<policy> under_test = make(of, static_cast<std::size_t>(all * share));
    std::size_t reads = 0, hits = 0;
    for (const request& one : of.requests) {
        if (one.writes) {
            under_test->forget(one.key);
            continue;
        }
        ++reads;
        hits += under_test->ask(one.key);
    }
    return 100.0 * static_cast<double>(hits) / static_cast<double>(reads);
}

} // namespace hit_ratios

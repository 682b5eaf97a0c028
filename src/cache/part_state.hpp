// What a shard's part does about what its rules decide (coherence.hpp): sends packets, runs loads, talks to Redis.
#pragma once

#include "cache/coherence.hpp"
#include "cache/second_tier.hpp"

#include <sluice/cache/shard_cache.hpp>
#include <sluice/core/context.hpp>

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::cache {

class part_state final : public coherence_actions, public packet_receiver
{
public:
    part_state(shard& on, shared_parts& all, redis::client* second, std::function<void(std::string_view)> announce);

    // coherence_actions:
    void send(unsigned to, packet& p) override;
    void load(flight& f) override;
    void hurry(flight& f) override;
    void erase(invalidation& i) override;
    void announce(std::string_view key) override;
    void erase_again(std::string_view key, std::uint64_t generation) override;
    // packet_receiver:
    void arrived(packet& p) override { rules.receive(p, here.now()); }

    shard& here;
    shared_parts& all;
    first_tier kept;
    std::optional<second_tier> second;
    coherence rules;
    struct kind
    {
        load_function load;
        check_function is_value;
    };
    std::vector<kind> kinds;
    cache_counters counts; // those that are kept here

private:
    [[nodiscard]] task<void> run_load(flight& f);
    [[nodiscard]] bool may_read_second(const flight& f);
    [[nodiscard]] task<second_tier::reading> read_second(const flight& f);
    [[nodiscard]] task<void> run_erase(invalidation& i);
    [[nodiscard]] task<void> run_erase_again(pooled_string key, std::uint64_t generation);
    [[nodiscard]] task<void> deliver_what_was_lost();
    void look_at_run();
    void look_after_lost();
    // Is there time left for Redis?
    [[nodiscard]] bool may_ask(duration waited) const { return second && waited < second->patience(); }

    std::function<void(std::string_view)> announce_;
    context background_{.task = "cache: what is told again"};
    bool delivering_ = false;
};

} // namespace sluice::cache

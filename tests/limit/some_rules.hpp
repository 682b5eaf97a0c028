// Rules and times as the tests of counting say them.
#pragma once

#include "limit/counter.hpp"

#include <utility>
#include <vector>

namespace sluice::limit::test {

inline constexpr micros a_second = 1'000'000;
inline constexpr micros some_day = 1'700'000'000 * a_second;

inline rules of(std::vector<quota> quotas) { return rules(policy{.name = "test", .quotas = std::move(quotas)}); }

} // namespace sluice::limit::test

// How old connections become that were made together.
#include "postgres/connection.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>

namespace sluice::postgres {
namespace {

TEST(ConnectionAge, is_up_to_a_tenth_less_than_the_most_and_not_the_same_for_many)
{
    constexpr duration most = std::chrono::minutes(30);
    constexpr std::size_t many = 1000;
    std::array<std::size_t, 10> fallen{}; // into each tenth of what is possible
    for (std::size_t i = 0; i < many; ++i) {
        const duration less = most - age_of_one(most);
        ASSERT_GE(less, most / 20);
        ASSERT_LE(less, most / 10);
        ++fallen[static_cast<std::size_t>((less - most / 20) * 10 / (most / 20 + duration(1)))];
    }
    for (const std::size_t one : fallen) {
        EXPECT_GT(one, many / 50);
        EXPECT_LT(one, many / 5);
    }
}

} // namespace
} // namespace sluice::postgres

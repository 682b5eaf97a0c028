#include <sluice/core/latency_histogram.hpp>
#include <sluice/core/random.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

namespace sluice {
namespace {

using namespace std::chrono_literals;

double seconds(duration d) { return std::chrono::duration<double>(d).count(); }
double begin_of(std::size_t bucket) { return bucket == 0 ? 0.0 : latency_histogram::end_of(bucket - 1); }

TEST(LatencyHistogram, puts_a_value_between_the_bounds_of_its_bucket)
{
    for (std::int64_t ns = 1; ns < 60'000'000'000; ns += ns / 7 + 1) {
        const std::size_t bucket = latency_histogram::bucket_of(duration(ns));
        const double value = seconds(duration(ns));
        const double unit = 1e-9; // what is lost in counting in 2^-30 s
        EXPECT_GE(value + unit, begin_of(bucket)) << ns;
        EXPECT_LT(value - unit, latency_histogram::end_of(bucket)) << ns;
    }
}

TEST(LatencyHistogram, divides_each_power_of_two_evenly_into_eight)
{
    for (std::size_t bucket = 1; bucket + 1 < latency_histogram::buckets; ++bucket) {
        const double width = latency_histogram::end_of(bucket) - begin_of(bucket);
        EXPECT_LE(width, begin_of(bucket) / 8 * (1 + 1e-12)) << bucket;
        EXPECT_GT(width, begin_of(bucket) / 17) << bucket;
    }
    EXPECT_EQ(latency_histogram::end_of(0), std::ldexp(1.0, -20));
    EXPECT_EQ(latency_histogram::end_of(latency_histogram::buckets - 2), 64.0);
    EXPECT_TRUE(std::isinf(latency_histogram::end_of(latency_histogram::buckets - 1)));
}

TEST(LatencyHistogram, takes_the_smallest_the_largest_and_what_a_clock_should_not_give)
{
    EXPECT_EQ(latency_histogram::bucket_of(0ns), 0U);
    EXPECT_EQ(latency_histogram::bucket_of(-5ns), 0U);
    EXPECT_EQ(latency_histogram::bucket_of(24h), latency_histogram::buckets - 1);
    EXPECT_EQ(latency_histogram::bucket_of(duration::max()), latency_histogram::buckets - 1);
}

TEST(LatencyHistogram, counts_each_record_once_and_sums_them)
{
    latency_histogram all;
    double sum = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto took = std::chrono::microseconds(i * i);
        all.record(took);
        sum += seconds(took);
    }
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < latency_histogram::buckets; ++i) count += all.count_in(i);
    EXPECT_EQ(count, 1000U);
    EXPECT_NEAR(all.sum_seconds(), sum, 1e-6);
}

} // namespace
} // namespace sluice

// A line of the log takes nothing from the heap.
#include "heap_count.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <gtest/gtest.h>

#include <atomic>

namespace sluice {

TEST(LogFile, allocates_nothing_for_a_line)
{
    if (!pool_recycles) GTEST_SKIP() << "AddressSanitizer sees every block itself";
    const auto log = log_file::open({.path = "/dev/null"});
    ASSERT_TRUE(log);
    exchange_log_sink(log->get());
    context request{.trace = trace_context::start()};
    context::exchange_current(&request);
    const auto write_lines = [](int count) {
        for (int i = 0; i < count; ++i) {
            sluice::log(log_level::info, "Answered",
                        {{"method", "GET"}, {"path", "/users/17"}, {"status", 200}, {"duration_us", i}});
            sluice::log(log_level::debug, "Left out", {{"number", i}});
        }
    };
    write_lines(10);
    const std::uint64_t before = test::heap_blocks();
    write_lines(100);
    EXPECT_EQ(test::heap_blocks(), before);
    context::exchange_current(nullptr);
    exchange_log_sink(nullptr);
}

} // namespace sluice

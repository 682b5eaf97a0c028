// A line of the log takes nothing from the heap.
#include "heap_count.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>

namespace sluice {

TEST(LogFile, allocates_nothing_for_a_line)
{
    if (!pool_recycles) GTEST_SKIP() << "AddressSanitizer sees every block itself";
    const std::string path = ::testing::TempDir() + "/log_allocation." + std::to_string(::getpid());
    const auto log = log_file::open({.path = path});
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
    // Its writer takes memory once, to know this thread.
    while (std::filesystem::file_size(path) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::uint64_t before = test::heap_blocks();
    write_lines(100);
    EXPECT_EQ(test::heap_blocks(), before);
    context::exchange_current(nullptr);
    exchange_log_sink(nullptr);
    std::filesystem::remove(path);
}

} // namespace sluice

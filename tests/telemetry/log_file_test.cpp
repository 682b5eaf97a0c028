// The log: lines as JSON, in a file that can be rotated, through a pipe that nobody reads.
#include "log_folder.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/random.hpp>
#include <sluice/json/reader.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluice {
namespace {

class LogFile : public log_folder
{};

TEST_F(LogFile, keeps_every_line_of_every_thread_in_the_order_of_each)
{
    constexpr int threads = 4;
    constexpr int lines = 500;
    {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        std::vector<std::thread> writers;
        for (int t = 0; t < threads; ++t) {
            writers.emplace_back([&log, t] {
                for (int i = 0; i < lines; ++i) {
                    const std::array fields = {log_field("thread", t), log_field("number", i)};
                    (*log)->write(log_level::info, "Line", fields);
                }
            });
        }
        for (std::thread& one : writers) one.join();
    }
    const auto written = lines_of(path_);
    ASSERT_EQ(written.size(), std::size_t(threads) * lines);
    std::array<int, threads> next{};
    for (const std::string& line : written) {
        const auto thread = static_cast<std::size_t>(line.at(line.find(R"("thread":)") + 9) - '0');
        EXPECT_TRUE(line.ends_with(R"("number":)" + std::to_string(next.at(thread)++) + "}")) << line;
    }
}

TEST_F(LogFile, names_the_request_that_a_line_belongs_to)
{
    context request{.trace = trace_context::start()};
    std::string id(32, ' ');
    request.trace.write_trace_id(id.data());
    {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        (*log)->write(log_level::info, "Outside", {});
        context::exchange_current(&request);
        (*log)->write(log_level::info, "Inside", {});
        context::exchange_current(nullptr);
    }
    const auto written = lines_of(path_);
    ASSERT_EQ(written.size(), 2U);
    EXPECT_EQ(written[0].find("trace_id"), std::string::npos);
    EXPECT_NE(written[1].find(R"("trace_id":")" + id), std::string::npos);
}

TEST_F(LogFile, names_no_request_for_work_that_has_a_context_and_no_trace)
{
    context background;
    {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        context::exchange_current(&background);
        (*log)->write(log_level::info, "Behind the scenes", {});
        context::exchange_current(nullptr);
    }
    EXPECT_EQ(lines_of(path_).at(0).find("trace_id"), std::string::npos);
}

TEST_F(LogFile, takes_lines_again_after_a_thread_or_a_log_has_ended)
{
    for (int i = 0; i < 3; ++i) {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        (*log)->write(log_level::info, "From here", {});
        std::thread([&log] { (*log)->write(log_level::info, "From a thread", {}); }).join();
        (*log)->write(log_level::info, "From here again", {});
    }
    EXPECT_EQ(lines_of(path_).size(), 9U);
}

TEST_F(LogFile, wakes_up_for_a_line_that_comes_after_a_pause)
{
    const auto log = log_file::open({.path = path_});
    ASSERT_TRUE(log);
    for (std::size_t i = 1; i <= 5; ++i) {
        (*log)->write(log_level::info, "Line", {});
        while (lines_of(path_).size() < i) std::this_thread::yield();
        // The writing thread gathers first and then sleeps: both are met.
        std::this_thread::sleep_for(std::chrono::milliseconds(8 * i));
    }
    EXPECT_EQ((*log)->dropped(), 0U);
}

TEST_F(LogFile, leaves_out_what_is_below_its_level)
{
    {
        const auto log = log_file::open({.path = path_, .level = log_level::warn});
        ASSERT_TRUE(log);
        exchange_log_sink(log->get());
        sluice::log(log_level::info, "No", {});
        sluice::log(log_level::warn, "Yes", {});
        exchange_log_sink(nullptr);
    }
    const auto written = lines_of(path_);
    ASSERT_EQ(written.size(), 1U);
    EXPECT_NE(written[0].find("Yes"), std::string::npos);
}

TEST_F(LogFile, appends_and_keeps_others_from_reading)
{
    std::ofstream(path_) << "{}\n";
    std::filesystem::remove(path_);
    for (int i = 0; i < 2; ++i) {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        (*log)->write(log_level::info, "Line", {});
    }
    EXPECT_EQ(lines_of(path_).size(), 2U);
    EXPECT_EQ(std::filesystem::status(path_).permissions() & std::filesystem::perms::others_all,
              std::filesystem::perms::none);
}

TEST_F(LogFile, writes_to_a_new_file_after_reopening)
{
    {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        (*log)->write(log_level::info, "Before", {});
        std::filesystem::rename(path_, folder_ / "old.log");
        (*log)->reopen();
        while (!std::filesystem::exists(path_)) std::this_thread::yield();
        (*log)->write(log_level::info, "After", {});
    }
    ASSERT_EQ(lines_of(path_).size(), 1U);
    EXPECT_NE(lines_of(path_)[0].find("After"), std::string::npos);
    EXPECT_EQ(lines_of(folder_ / "old.log").size(), 1U);
}

TEST_F(LogFile, keeps_the_old_file_if_the_new_one_cannot_be_opened)
{
    {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        std::filesystem::rename(path_, folder_ / "old.log");
        std::filesystem::create_directory(path_);
        (*log)->reopen();
        while (lines_of(folder_ / "old.log").empty()) std::this_thread::yield();
        (*log)->write(log_level::info, "Still", {});
    }
    const auto written = lines_of(folder_ / "old.log");
    ASSERT_EQ(written.size(), 2U);
    EXPECT_NE(written[0].find("cannot be opened again"), std::string::npos);
    EXPECT_NE(written[1].find("Still"), std::string::npos);
}

TEST_F(LogFile, cannot_be_opened_where_there_is_no_folder)
{
    const auto log = log_file::open({.path = folder_ / "absent/s.log"});
    ASSERT_FALSE(log);
    EXPECT_NE(log.error().detail.find("absent/s.log"), std::string::npos);
    EXPECT_NE(log.error().detail.find("No such file"), std::string::npos);
}

TEST_F(LogFile, cannot_be_opened_without_a_ring_and_says_so)
{
    const log_file_options options{.path = path_};
    ASSERT_TRUE(log_file::open(options)); // and a sanitizer, which needs descriptors for that, has seen all types
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    std::string refusal;
    for (rlim_t descriptors = 3;; ++descriptors) { // the ring is the last that needs one
        const rlimit few{descriptors, before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
        const auto log = log_file::open(options);
        ::setrlimit(RLIMIT_NOFILE, &before);
        if (log) break;
        refusal = log.error().detail;
    }
    EXPECT_NE(refusal.find("io_uring"), std::string::npos) << refusal;
    EXPECT_NE(refusal.find("ulimit -n"), std::string::npos) << refusal;
}

TEST_F(LogFile, drops_and_counts_what_does_not_fit_and_ends_without_a_reader)
{
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    ASSERT_GT(::fcntl(reader, F_SETPIPE_SZ, 4096), 0); // less than one line, so the writing thread is stuck at once
    {
        const auto log = log_file::open({.path = path_, .waiting_bytes_max = 64 * 1024});
        ASSERT_TRUE(log);
        const std::string big(8 * 1024, 'x');
        for (int i = 0; i < 100; ++i) (*log)->write(log_level::info, big, {});
        EXPECT_GE((*log)->dropped(), 100U - 64 / 8);
        EXPECT_LT((*log)->dropped(), 100U);
        EXPECT_EQ((*log)->close(), 100U) << "what waited, and what had found no room";
    }
    ::close(reader);
}

TEST_F(LogFile, says_at_its_end_how_much_is_missing_that_it_does_not_tell_of)
{
    const auto log = log_file::open({.path = path_});
    ASSERT_TRUE(log);
    (*log)->write(log_level::info, "Line", {});
    EXPECT_EQ((*log)->close(), 0U);
    EXPECT_EQ(lines_of(path_).size(), 1U);
}

TEST_F(LogFile, refuses_a_pipe_that_nobody_reads_and_says_what_to_do)
{
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    const auto log = log_file::open({.path = path_});
    ASSERT_FALSE(log);
    EXPECT_NE(log.error().detail.find("start its reader first"), std::string::npos) << log.error().detail;
}

TEST_F(LogFile, keeps_a_pipe_whose_reader_is_gone_and_ends_without_one)
{
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    const int gone = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(gone, 0);
    const auto log = log_file::open({.path = path_});
    ASSERT_TRUE(log);
    ::close(gone);
    (*log)->reopen();
    const std::uint64_t before = (*log)->dropped();
    do { // of the pipe that is kept, or its writer would be waiting for a reader
        (*log)->write(log_level::info, "Unheard", {});
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while ((*log)->dropped() <= before + 1);
    const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    std::array<char, 16> heard{};
    while (::read(reader, heard.data(), heard.size()) <= 0) (*log)->write(log_level::info, "Heard", {});
    EXPECT_EQ(heard[0], '{');
    ::close(reader);
}

} // namespace
} // namespace sluice

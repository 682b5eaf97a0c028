// A file that is full, and what a process left there that ended within a line: whatever happens, what is lost is whole
// lines.
#include "log_folder.hpp"
#include "telemetry/file_output.hpp"

#include <sluice/telemetry/log_file.hpp>

#include <gtest/gtest.h>

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sluice {
namespace {

// How large a file of this process may become.
class file_size_limit
{
public:
    explicit file_size_limit(rlim_t bytes)
    {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit lower{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &lower);
    }
    ~file_size_limit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;

private:
    rlimit before_{};
};

// Of a log, or of an output and the ring that it writes with.
class TornLines : public log_folder
{
protected:
    TornLines() { ::signal(SIGXFSZ, SIG_IGN); }
    ~TornLines() override
    {
        ::signal(SIGXFSZ, SIG_DFL);
        ::close(wake_);
    }

    std::size_t put(std::string_view lines) { return output.put(lines, **ring_); }
    // Leaves half a line in its file, and loses the other.
    void tear()
    {
        const file_size_limit full(6);
        EXPECT_EQ(put("{1}\n{2}\n"), 1U);
    }

    telemetry::file_output output{path_, telemetry::redaction(std::span<const std::string>())};

private:
    int wake_ = ::eventfd(0, EFD_CLOEXEC);
    std::atomic<bool> ending_ = false;
    result<std::unique_ptr<telemetry::log_ring>> ring_ = telemetry::log_ring::create(wake_, ending_);
};

TEST_F(TornLines, are_ended_before_the_next_one_and_counted)
{
    std::size_t said = 0;
    std::size_t dropped = 0;
    {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        const auto settled = [&] { return whole_lines() + (*log)->dropped() == said; };
        {
            const file_size_limit full(950); // the last line is cut off in its middle
            for (; (*log)->dropped() == 0; ++said) {
                (*log)->write(log_level::info, "Before", {});
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            while (!settled()) std::this_thread::yield();
            (*log)->write(log_level::info, "Before", {}); // of which nothing is written
            ++said;
            while (!settled()) std::this_thread::yield();
        }
        dropped = (*log)->dropped();
        (*log)->write(log_level::info, "After", {});
    }
    EXPECT_GE(dropped, 2U);
    EXPECT_EQ(whole_lines(), said - dropped + 2) << "what was not dropped, and the last two";
    const auto written = lines_of(path_);
    EXPECT_EQ(written.size(), whole_lines() + 1) << "the one that was cut off";
    EXPECT_NE(written.at(written.size() - 2).find("After"), std::string::npos);
    EXPECT_NE(written.back().find(R"("dropped":)" + std::to_string(dropped) + "}"), std::string::npos);
}

TEST_F(TornLines, of_an_earlier_process_are_ended_before_the_first_one)
{
    std::ofstream(path_) << "{}\n{\"half";
    for (int i = 0; i < 2; ++i) {
        const auto log = log_file::open({.path = path_});
        ASSERT_TRUE(log);
        (*log)->write(log_level::info, "Line", {});
    }
    const auto written = lines_of(path_);
    ASSERT_EQ(written.size(), 4U);
    EXPECT_EQ(written[1], "{\"half");
    EXPECT_EQ(whole_lines(), 3U);
}

TEST_F(TornLines, are_ended_in_their_file_when_it_is_opened_again)
{
    ASSERT_EQ(output.open(), 0);
    tear();
    ASSERT_EQ(output.open(), 0); // the same file
    EXPECT_EQ(put("{3}\n"), 0U);
    EXPECT_EQ(lines_of(path_), (std::vector<std::string>{"{1}", "{2", "{3}"}));
}

TEST_F(TornLines, leave_no_empty_line_in_the_next_file_or_pipe)
{
    ASSERT_EQ(output.open(), 0);
    tear();
    std::filesystem::remove(path_);
    std::ofstream(path_) << "{0}\n";
    ASSERT_EQ(output.open(), 0);
    EXPECT_EQ(put("{3}\n"), 0U);
    EXPECT_EQ(lines_of(path_), (std::vector<std::string>{"{0}", "{3}"}));

    std::filesystem::remove(path_);
    ASSERT_EQ(output.open(), 0);
    tear();
    std::filesystem::remove(path_);
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK);
    ASSERT_GE(reader, 0);
    ASSERT_EQ(output.open(), 0);
    EXPECT_EQ(put("{3}\n"), 0U);
    std::array<char, 16> heard{};
    EXPECT_EQ(::read(reader, heard.data(), heard.size()), 4);
    EXPECT_EQ(heard[0], '{');
    ::close(reader);
}

TEST_F(TornLines, leave_out_the_rest_of_a_line_whose_beginning_is_lost)
{
    ASSERT_EQ(output.open(), 0);
    EXPECT_EQ(put("{1}\n{2"), 0U); // in two pieces, as the end of a buffer may have it
    EXPECT_EQ(put("}\n"), 0U);
    std::size_t lost = 0;
    {
        const file_size_limit full(10);
        lost += put("{3}\n{4"); // "{3" is written
        lost += put("}\n{5}\n");
    }
    EXPECT_EQ(lost, 3U);
    EXPECT_EQ(put("{6}\n"), 0U);
    {
        const file_size_limit full(15);
        lost += put("{7");
    }
    lost += put("}\n{8}\n");
    EXPECT_EQ(lost, 4U);
    const std::vector<std::string> expected = {"{1}", "{2}", "{3", "{6}", "{8}"};
    EXPECT_EQ(lines_of(path_), expected);
}

} // namespace
} // namespace sluice

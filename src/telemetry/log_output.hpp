// The descriptor that log lines go to: a file that can be opened again, or standard output.
//
// The writing thread's own, except end_soon(). It may wait for a slow reader, but once the log ends it gives one that
// takes nothing a second in all.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::telemetry {

class log_output
{
public:
    // An empty path is standard output.
    explicit log_output(std::string path) noexcept : path_(std::move(path)) {}
    ~log_output();
    log_output(const log_output&) = delete;
    log_output& operator=(const log_output&) = delete;

    // Opens the path, for appending; the file before it, if there was one, is kept when that fails. 0 or errno.
    [[nodiscard]] int open() noexcept;
    // Writes all of it and gives back nothing, or what could not be written.
    [[nodiscard]] std::string_view put(std::string_view text) noexcept;
    // From any thread.
    void end_soon() noexcept { ending_.store(true, std::memory_order_relaxed); }

private:
    std::string path_;
    int descriptor_ = -1;
    bool regular_file_ = false;
    int polls_left_ = 10; // once the log ends
    std::atomic<bool> ending_ = false;
};

} // namespace sluice::telemetry

// JSON lines in a file that can be opened again, or on standard output.
#pragma once

#include "telemetry/log_output.hpp"
#include "telemetry/redaction.hpp"

#include <sys/stat.h>

#include <string>
#include <utility>

namespace sluice::telemetry {

class file_output final : public log_output
{
public:
    // An empty path is standard output.
    file_output(std::string path, redaction hidden) noexcept : path_(std::move(path)), hidden_(std::move(hidden)) {}
    ~file_output() override;

    void encode(const log_line& line, pooled_string& text) const override { append_json(line, hidden_, text); }
    // Opens the path for appending. What an earlier process left unfinished there gets its line's end first.
    [[nodiscard]] int open() noexcept override;
    [[nodiscard]] std::size_t put(std::string_view lines, log_ring& ring) noexcept override;

private:
    void look_at_the_end(const struct stat& before) noexcept;

    std::string path_;
    redaction hidden_;
    int descriptor_ = -1;
    bool regular_file_ = false;
    bool mid_line_ = false; // the last byte that was written ends no line
    bool torn_ = false;     // … and the rest of that line is lost
    bool headless_ = false; // the beginning of the line that is to be continued is lost
};

} // namespace sluice::telemetry

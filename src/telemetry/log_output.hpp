// Where log lines go, and in which form: what the file (file_output.hpp) and the journal (journal_output.hpp) share.
//
// encode() runs on the thread that logs and only makes bytes of a line; the rest is the writing thread's own. It may
// wait for a slow reader, as long as that thread's ring has patience (log_ring.hpp).
#pragma once

#include "telemetry/log_line.hpp"
#include "telemetry/log_ring.hpp"

#include <sluice/core/pool.hpp>

#include <cstddef>
#include <string_view>

namespace sluice::telemetry {

class log_output
{
public:
    virtual ~log_output() = default;

    // --- Any thread.
    // The line at the end of `text`.
    virtual void encode(const log_line& line, pooled_string& text) const = 0;

    // --- The writing thread.
    // Opens it, or opens it again: what was open before is kept when that fails. 0 or errno.
    [[nodiscard]] virtual int open() noexcept = 0;
    // Writes encoded lines, of which the last may be continued by the next call; says how many were lost.
    [[nodiscard]] virtual std::size_t put(std::string_view lines, log_ring& ring) noexcept = 0;

protected:
    log_output() noexcept = default;
    log_output(const log_output&) = delete;
    log_output& operator=(const log_output&) = delete;
};

} // namespace sluice::telemetry

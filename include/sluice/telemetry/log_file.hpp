// The log as JSON lines in a file or on standard output, or as entries of the systemd journal.
//
// The problem: a write to a file or a pipe can block, and a shard must not. The answer: write() makes the whole line
// and copies it into a buffer of its thread, without a lock, an allocation or, as long as lines keep coming, a system
// call; one thread owns the descriptor and writes what all buffers hold, through a small ring of its own. A buffer is
// bounded: a line that does not fit is dropped and counted, and the next write says how many were. Within a request a
// line names its trace and span. What a field whose name tells of a secret holds is not written.
// Lines of one thread keep their order; those of several are not sorted by time.
//
// Any thread writes. At its end it writes what waits, but waits a second in all for a reader: in tenths, each of which
// begins anew with whatever is taken. One that takes little and seldom is cut off as one that has stopped is; what it
// did not take is lost and counted.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/core/log.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

// Of field names that tell of a secret.
[[nodiscard]] std::vector<std::string> secret_words();

struct log_file_options
{
    std::string path = {};                                // empty: standard output
    std::string journal_socket = {};                      // empty: it does not go to a journal
    log_level level = log_level::info;                    // what is below is not written
    std::size_t waiting_bytes_max = std::size_t{1} << 20; // of each thread; rounded up to a power of two
    // Values of fields whose names contain one of these are not written; in any case, '-' and '_' alike.
    std::vector<std::string> redact = secret_words();
};

// Where the systemd journal takes entries.
inline constexpr std::string_view system_journal = "/run/systemd/journal/socket";
// Is standard output connected to the journal? `stream` is what systemd says of it in JOURNAL_STREAM.
[[nodiscard]] bool output_is_journal(std::string_view stream) noexcept;

class log_file final : public log_sink
{
public:
    // Opens the file for appending; makes it, readable by its owner and group, if it is not there. The error is for the
    // operator: it names the path, or what keeps io_uring from the log.
    [[nodiscard]] static result<std::unique_ptr<log_file>> open(log_file_options options);
    ~log_file();
    log_file(const log_file&) = delete;
    log_file& operator=(const log_file&) = delete;

    void write(log_level level, std::string_view message, std::span<const log_field> fields) noexcept override;

    // Opens the path again, soon and on the writing thread: for log rotation. If that fails, the old file is kept and
    // says so.
    void reopen() noexcept;
    // Ends it, as the destructor does, and says how many lines are missing that no line of it tells of. Once, when
    // nobody writes any more.
    [[nodiscard]] std::uint64_t close() noexcept;
    [[nodiscard]] std::uint64_t dropped() const noexcept;

private:
    struct state;
    log_file(log_level level, std::unique_ptr<state> s) noexcept;
    std::unique_ptr<state> state_;
};

} // namespace sluice

#pragma GCC visibility pop

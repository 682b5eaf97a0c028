// Entries for the systemd journal: a datagram each, many for one io_uring_enter. One that is too large for a datagram
// goes as a sealed file in memory. If the journal ends, entries are lost until it is back.
#pragma once

#include "telemetry/log_output.hpp"
#include "telemetry/redaction.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::telemetry {

class journal_output final : public log_output
{
public:
    journal_output(std::string socket, redaction hidden) noexcept : path_(std::move(socket)), hidden_(std::move(hidden))
    {}
    ~journal_output() override;

    // With its length in front, so that put() finds the next.
    void encode(const log_line& line, pooled_string& text) const override;
    [[nodiscard]] int open() noexcept override;
    [[nodiscard]] std::size_t put(std::string_view lines, log_ring& ring) noexcept override;

private:
    [[nodiscard]] std::size_t send(std::span<const std::string_view> entries, log_ring& ring) noexcept;
    [[nodiscard]] bool send_large(std::string_view entry, log_ring& ring) noexcept;
    [[nodiscard]] bool recovered(int failure, bool& reconnected, log_ring& ring) noexcept;

    std::string path_;
    redaction hidden_;
    int descriptor_ = -1;
    std::string partial_; // what put() had of an entry that was not whole
};

} // namespace sluice::telemetry

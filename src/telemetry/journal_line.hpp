// One log line as an entry of the systemd journal, in its native protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): NAME=value, a field a line, those with a line feed in binary form.
//
// MESSAGE is the line as a person reads it, fields and all; PRIORITY is the level; every field stands there once more
// by its own name, in capitals, for those who search. Whatever bytes a name or a value holds, it is one valid entry.
#pragma once

#include "telemetry/log_line.hpp"

namespace sluice::telemetry {

// At the end of `text`.
void append_journal(const log_line& line, const redaction& hidden, pooled_string& text);

} // namespace sluice::telemetry

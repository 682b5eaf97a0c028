// SQLite's result codes as errors: the one place that translates them. What a client may read says no more than that
// the database is full, locked, damaged …; what the operator reads when a file is opened names the file and what would
// mend it.
#pragma once

#include <sluice/core/error.hpp>

#include <string>

namespace sluice::sqlite {

// For an extended result code of a statement.
[[nodiscard]] error statement_error(int code);
// For an extended result code while `path` is opened; `system_error` is errno, or 0.
[[nodiscard]] error opening_error(int code, int system_error, const std::string& path);

} // namespace sluice::sqlite

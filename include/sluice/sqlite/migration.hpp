// Numbered steps that bring a database file to the schema that this program knows.
//
// Step n (counted from 1) turns version n-1 into version n, in one transaction that also writes the number into the
// file (PRAGMA user_version): a step happens whole or not at all. Steps are only ever added, never changed. A file that
// is newer than the program is refused, and so is one that another program made.
//
// Thread: any; these functions block, so they are for start-up and for the command line, not for a shard.
#pragma once

#include <sluice/core/error.hpp>

#include <span>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::sqlite {

struct migration
{
    std::string_view name; // what the step is for, in a few words
    std::string_view sql;  // statements, each ended by a semicolon
};

struct schema_state
{
    bool exists = false; // is there a file?
    int version = 0;     // of the file
    int newest = 0;      // that the program knows
};

// Makes the file if there is none (readable by its owner alone) and runs the steps that it lacks. Gives the state that
// the file was found in.
[[nodiscard]] result<schema_state> migrate(const std::string& path, std::span<const migration> steps);

// Looks without changing anything: can the file be opened, or made; is it undamaged; which version is it?
[[nodiscard]] result<schema_state> inspect(const std::string& path, std::span<const migration> steps);

} // namespace sluice::sqlite

#pragma GCC visibility pop

// Numbered steps that bring a PostgreSQL database to the schema that this program knows.
//
// Step n (counted from 1) turns version n-1 into version n, in one transaction that also writes the number into the
// table sluice_schema: a step happens whole or not at all. An advisory lock of that transaction lets many programs
// start at once, behind a pooler too: one of them runs the step, and the others find it done. Steps are only ever
// added, never changed. A database that is newer than the program is refused.
//
// Thread: any; these functions block, so they are for start-up and for the command line, not for a shard. Their errors
// are for the operator: one line that says what PostgreSQL or its client library said.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>

#include <chrono>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::postgres {

struct migration
{
    std::string_view name; // what the step is for, in a few words
    std::string_view sql;  // statements, separated by semicolons
};

struct schema_state
{
    bool exists = false; // has the database been brought to any version?
    int version = 0;     // of the database
    int newest = 0;      // that the program knows
};

struct session_options
{
    std::string url; // as pool_options::url
    duration connect_timeout = std::chrono::seconds(2);
    std::stop_token stop = {}; // cuts the connection: what has not been committed never happens
};

// Runs the steps that the database lacks. Gives the state that it was found in.
[[nodiscard]] result<schema_state> migrate(const session_options& with, std::span<const migration> steps);

// What a program reads and writes; both are names, as SQL has them.
struct used_table
{
    std::string_view name;
    std::string_view columns; // "id, email"
};
// A statement that gives what of it is missing, as one text. It asks the catalogue, so that who has locked the table
// holds it up in nothing.
[[nodiscard]] std::string missing_columns(const used_table& wanted);

// Looks without changing anything: does it answer, which version is it, and may this role do there what the program
// will? That is to make the schema where steps are missing, and otherwise to read and write the tables named, which
// must have the columns named.
[[nodiscard]] result<schema_state> inspect(const session_options& with, std::span<const migration> steps,
                                           std::span<const used_table> tables = {});

} // namespace sluice::postgres

#pragma GCC visibility pop

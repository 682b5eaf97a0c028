// The schema of each database: the files of migrations/, in the order of their numbers, within the program. A new step
// is a file more for each, at the end of both lists in schema.cpp.
#pragma once

#include <sluice/postgres/migration.hpp>
#include <sluice/sqlite/migration.hpp>

#include <array>
#include <span>

namespace sluice {

extern const std::span<const sqlite::migration> sqlite_schema;
extern const std::span<const postgres::migration> postgres_schema;

// What the server reads and writes there.
inline constexpr std::array<postgres::used_table, 1> postgres_tables = {
    {{.name = "users", .columns = "id, email, name, created_at, updated_at, version, email_key"}}};

} // namespace sluice

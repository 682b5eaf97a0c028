// The table of users in each database. The unique column is the folded e-mail, which the service makes.
#pragma once

#include <sluice/postgres/migration.hpp>
#include <sluice/sqlite/migration.hpp>

#include <string_view>

namespace sluice::users {

// Ids are kept as bytes, which sort as the ids do; times are microseconds since 1970.
inline constexpr sqlite::migration sqlite_users_table{.name = "users", .sql = R"(
CREATE TABLE users (
    id         BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    email      TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    email_key  TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
)"};

// By its name a repository knows which rule a write broke.
inline constexpr std::string_view unique_email_constraint = "users_email_key_unique";

inline constexpr postgres::migration postgres_users_table{.name = "users", .sql = R"(
CREATE TABLE users (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    name       text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version    bigint NOT NULL,
    email_key  text COLLATE "C" NOT NULL CONSTRAINT users_email_key_unique UNIQUE
);
)"};

} // namespace sluice::users

// What a PostgreSQL URL says, as libpq reads it; nothing is connected to.
//
// Any part of a URL may be a password in the wrong place, so nothing here quotes one to an operator unless it is known
// which parts are secret. Thread: any; nothing is kept.
#pragma once

#include <optional>
#include <string>

#pragma GCC visibility push(default)

namespace sluice::postgres {

// Where a database is, in parts. What is empty is left to libpq, which has its own variables (PGUSER …) and defaults.
struct location
{
    std::string host = {}; // a name, an address, the folder of a socket; several are separated by commas
    unsigned port = 5432;
    std::string name = {}; // of the database
    std::string user = {};
    std::string password = {};
};

// As pool_options::url takes it.
[[nodiscard]] std::string connection_string(const location& of);

// Why this URL leads nowhere, whatever servers there are: a line that quotes nothing of it. Nothing: it can be tried.
[[nodiscard]] std::optional<std::string> fault_of_url(const std::string& url);

// The URL for people, its passwords replaced by asterisks; nothing but asterisks where they cannot be told apart.
[[nodiscard]] std::string without_passwords(const std::string& url);

// Where a URL or connection string leads, for people: "db:5432/app".
[[nodiscard]] std::string place_of(const std::string& url);

} // namespace sluice::postgres

#pragma GCC visibility pop

#include "sqlite/errors.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <system_error>

namespace sluice::sqlite {

namespace {

constexpr std::string_view dependency = "sqlite";

error make(errc code, std::string detail)
{
    error made{.code = code, .detail = std::move(detail), .dependency = dependency};
    if (code == errc::unavailable) made.retry_after = std::chrono::seconds(1);
    return made;
}

error constraint_error(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return make(errc::conflict, "The change conflicts with stored data");
    default:
        return make(errc::internal, "A rule of the database was broken");
    }
}

} // namespace

error statement_error(int code)
{
    // After a failed fsync the commit may yet turn out to be on the disk, and nobody can tell.
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        return make(errc::outcome_unknown, "The database could not make the change durable");
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        return constraint_error(code);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return make(errc::unavailable, "The database is locked by another process");
    case SQLITE_FULL:
        return make(errc::unavailable, "The database's disk is full");
    case SQLITE_READONLY:
        return make(errc::unavailable, "The database is read-only");
    case SQLITE_CANTOPEN:
        return make(errc::unavailable, "The database cannot be opened");
    case SQLITE_IOERR:
        return make(errc::unavailable, "The database's disk failed");
    case SQLITE_NOMEM:
        return make(errc::unavailable, "The database is out of memory");
    case SQLITE_INTERRUPT:
        return make(errc::cancelled, "The statement was stopped");
    case SQLITE_TOOBIG:
        return make(errc::too_large, "A value is too large for the database");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return make(errc::internal, "The database is damaged");
    default:
        return make(errc::internal, "The database refused a statement");
    }
}

error opening_error(int code, int system_error, const std::string& path)
{
    const std::string reason = system_error != 0 ? std::generic_category().message(system_error) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return make(errc::unavailable, fmt::format("'{}' is locked by another process: end that process, or set "
                                                   "sqlite.path to another file",
                                                   path));
    case SQLITE_READONLY:
        return make(errc::unavailable,
                    fmt::format("'{}' or its folder is read-only: make both writable for this user, or "
                                "set sqlite.path to another file",
                                path));
    case SQLITE_FULL:
        return make(errc::unavailable, fmt::format("The disk of '{}' is full: free some space", path));
    case SQLITE_CORRUPT:
        return make(errc::internal, fmt::format("'{}' is damaged: restore it from a backup", path));
    case SQLITE_NOTADB:
        return make(errc::internal,
                    fmt::format("'{}' is not an SQLite database: set sqlite.path to another file", path));
    default:
        return make(errc::unavailable,
                    fmt::format("'{}' cannot be opened ({}): check that its folder exists and that this "
                                "user may write there, or set sqlite.path to another file",
                                path, reason));
    }
}

} // namespace sluice::sqlite

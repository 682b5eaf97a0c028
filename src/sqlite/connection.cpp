#include "sqlite/errors.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/sqlite/connection.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice::sqlite {

namespace {

// Pages in the log: above the first bound they are copied without waiting for anyone; above the second the copy waits
// for readers, so that the log starts again from its beginning and cannot grow for ever.
constexpr int checkpoint_pages = 1000;
constexpr int restart_pages = 16 * checkpoint_pages;

} // namespace

// --- Rows

bool row::is_null(int column) const noexcept { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::int64_t row::integer(int column) const noexcept { return sqlite3_column_int64(statement_, column); }

std::string_view row::text(int column) const noexcept
{
    const unsigned char* bytes = sqlite3_column_text(statement_, column);
    if (bytes == nullptr) return {};
    return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

uuid row::id(int column) const noexcept
{
    uuid value;
    const void* bytes = sqlite3_column_blob(statement_, column);
    SLUICE_ASSERT(bytes != nullptr && sqlite3_column_bytes(statement_, column) == static_cast<int>(value.bytes.size()));
    std::memcpy(value.bytes.data(), bytes, value.bytes.size());
    return value;
}

// --- A statement in use

connection::use::use(connection& owner, sql statement) noexcept
    : owner_(owner), running_("sqlite statement", span_kind::client),
      failure_(owner.find_or_prepare(statement, statement_))
{
    running_.attribute("db.system.name", "sqlite");
    running_.attribute("db.query.text", statement.text());
}

connection::use::~use()
{
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_); // they refer to the caller's values
}

result<bool> connection::use::step()
{
    if (failure_ == SQLITE_OK) {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        failure_ = code;
    }
    running_.failed();
    return fail(owner_.last_error(failure_));
}

void connection::use::bind(int position, std::nullopt_t) noexcept
{
    if (failure_ == SQLITE_OK) failure_ = sqlite3_bind_null(statement_, position);
}

void connection::use::bind(int position, std::int64_t value) noexcept
{
    if (failure_ == SQLITE_OK) failure_ = sqlite3_bind_int64(statement_, position, value);
}

void connection::use::bind(int position, std::string_view value) noexcept
{
    // An empty view may have no address, which SQLite would take for NULL.
    const char* bytes = value.empty() ? "" : value.data();
    if (failure_ == SQLITE_OK)
        failure_ = sqlite3_bind_text64(statement_, position, bytes, value.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void connection::use::bind(int position, const uuid& value) noexcept
{
    if (failure_ == SQLITE_OK)
        failure_ = sqlite3_bind_blob64(statement_, position, value.bytes.data(), value.bytes.size(), SQLITE_STATIC);
}

// --- The connection

result<connection> connection::open(const std::string& path, access mode, duration busy_timeout)
{
    const int flags = (mode == access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_EXRESCODE;
    sqlite3* handle = nullptr;
    errno = 0;
    int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    connection opened(handle);
    const auto failed = [&] { return fail(opening_error(code, sqlite3_system_errno(handle), path)); };
    if (code != SQLITE_OK) return failed();

    sqlite3_busy_timeout(handle, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(busy_timeout).count()));
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    // The first real look at the file.
    code = sqlite3_exec(handle, "PRAGMA foreign_keys=ON; PRAGMA user_version", nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failed();

    if (mode == access::read_write) {
        // SQLite opens a file that it may not write for reading, without a word.
        if (sqlite3_db_readonly(handle, "main") != 0) {
            code = SQLITE_READONLY;
            return failed();
        }
        code = sqlite3_exec(handle,
                            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; "
                            "PRAGMA journal_size_limit=67108864",
                            nullptr, nullptr, nullptr);
        if (code != SQLITE_OK) return failed();
    }
    return opened;
}

connection::connection(connection&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), statements_(std::exchange(other.statements_, {}))
{}

connection& connection::operator=(connection&& other) noexcept
{
    std::swap(handle_, other.handle_);
    std::swap(statements_, other.statements_);
    return *this;
}

connection::~connection()
{
    for (const prepared& each : statements_) sqlite3_finalize(each.statement);
    sqlite3_close(handle_);
}

int connection::find_or_prepare(sql statement, sqlite3_stmt*& found) noexcept
{
    const auto known = std::ranges::find(statements_, statement.text(), &prepared::text);
    if (known != statements_.end()) {
        found = known->statement;
        SLUICE_ASSERT(sqlite3_stmt_busy(found) ==
                      0); // one use at a time: a row's callback must not run its own statement
        return SQLITE_OK;
    }
    const int code = sqlite3_prepare_v3(handle_, statement.text(), -1, SQLITE_PREPARE_PERSISTENT, &found, nullptr);
    if (code == SQLITE_OK) statements_.push_back({statement.text(), found});
    return code;
}

result<void> connection::run_script(const std::string& text)
{
    const int code = sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return fail(last_error(code));
    return {};
}

void connection::checkpoint_if_due() noexcept
{
    int written = 0;
    int highest = 0;
    sqlite3_db_status(handle_, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, 0);
    if (written < checkpoint_pages) return;
    sqlite3_db_status(handle_, SQLITE_DBSTATUS_CACHE_WRITE, &written, &highest, 1);
    // A failure (a reader in the way, a full disk) loses nothing: the log keeps the pages, and the next call tries
    // again.
    int in_log = 0;
    sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, nullptr);
    if (in_log >= restart_pages)
        sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
}

bool connection::in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }
std::int64_t connection::changes() const noexcept { return sqlite3_changes64(handle_); }
error connection::last_error(int code) const { return statement_error(code); }

} // namespace sluice::sqlite

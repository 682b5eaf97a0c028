#include "sqlite/errors.hpp"

#include <sluice/sqlite/connection.hpp>
#include <sluice/sqlite/migration.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace sluice::sqlite {

namespace {

constexpr auto busy_timeout = std::chrono::seconds(5);

std::string folder_of(const std::string& path)
{
    std::string folder = std::filesystem::path(path).parent_path().string();
    return folder.empty() ? "." : folder;
}

result<void> check_name(const std::string& path)
{
    if (!path.empty() && !path.starts_with(':')) return {};
    return fail(error{.code = errc::invalid,
                      .detail = fmt::format("'{}' is not the name of a file: set sqlite.path to one", path),
                      .dependency = "sqlite"});
}

// SQLite would make the file readable by everyone; its log and index files take their mode from it.
result<void> make_file(const std::string& path)
{
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) return fail(opening_error(errno == EROFS ? SQLITE_READONLY : SQLITE_CANTOPEN, errno, path));
    ::close(file);
    // The file's name has to survive a loss of power as its content does.
    const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
    return {};
}

// The version that the file says it has, if it is one of ours.
result<int> version_of(connection& file, const std::string& path, int newest)
{
    auto version = file.query_one("PRAGMA user_version", [](const row& r) { return r.get<int>(0); });
    if (!version) return fail(std::move(version).error());
    if (**version > newest)
        return fail(
            error{.code = errc::internal,
                  .detail = fmt::format("'{}' has schema version {}, and this program knows only {}: run the newer "
                                        "program that wrote it",
                                        path, **version, newest),
                  .dependency = "sqlite"});
    auto tables = file.query_one("SELECT count(*) FROM sqlite_schema", [](const row& r) { return r.get<int>(0); });
    if (!tables) return fail(std::move(tables).error());
    if (**version == 0 && **tables > 0)
        return fail(
            error{.code = errc::internal,
                  .detail = fmt::format("'{}' belongs to another program: set sqlite.path to another file", path),
                  .dependency = "sqlite"});
    return **version;
}

result<void> run_step(connection& file, const migration& step, int version)
{
    auto done = file.run_script(fmt::format("{}\nPRAGMA user_version={};", step.sql, version));
    if (done) return {};
    error failure = std::move(done).error();
    failure.detail = fmt::format("Schema step {} ({}) failed: {}", version, step.name, failure.detail);
    return fail(std::move(failure));
}

} // namespace

result<schema_state> migrate(const std::string& path, std::span<const migration> steps)
{
    if (auto named = check_name(path); !named) return fail(std::move(named).error());
    schema_state found{.exists = ::access(path.c_str(), F_OK) == 0, .newest = static_cast<int>(steps.size())};
    if (!found.exists) {
        if (auto made = make_file(path); !made) return fail(std::move(made).error());
    }
    auto file = connection::open(path, access::read_write, busy_timeout);
    if (!file) return fail(std::move(file).error());

    // The version is read under the write lock: two programs that start at once run each step once.
    const auto roll_back = [&](error failure) -> result<schema_state> {
        if (file->in_transaction()) (void)file->run_script("ROLLBACK");
        return fail(std::move(failure));
    };
    for (bool first = true;; first = false) {
        if (auto begun = file->run_script("BEGIN IMMEDIATE"); !begun) return fail(std::move(begun).error());
        auto version = version_of(*file, path, found.newest);
        if (!version) return roll_back(std::move(version).error());
        if (first) found.version = *version;
        if (*version == found.newest) break;
        const migration& step = steps[static_cast<std::size_t>(*version)];
        if (auto ran = run_step(*file, step, *version + 1); !ran) return roll_back(std::move(ran).error());
        if (auto committed = file->run_script("COMMIT"); !committed) return roll_back(std::move(committed).error());
    }
    if (auto ended = file->run_script("COMMIT"); !ended) return roll_back(std::move(ended).error());
    return found;
}

result<schema_state> inspect(const std::string& path, std::span<const migration> steps)
{
    if (auto named = check_name(path); !named) return fail(std::move(named).error());
    schema_state found{.newest = static_cast<int>(steps.size())};
    if (::access(path.c_str(), F_OK) != 0) {
        if (::access(folder_of(path).c_str(), W_OK | X_OK) == 0) return found;
        return fail(opening_error(errno == EROFS ? SQLITE_READONLY : SQLITE_CANTOPEN, errno, path));
    }
    found.exists = true;
    if (::access(path.c_str(), W_OK) != 0 || ::access(folder_of(path).c_str(), W_OK | X_OK) != 0)
        return fail(opening_error(errno == ENOENT ? SQLITE_CANTOPEN : SQLITE_READONLY, errno, path));
    auto file = connection::open(path, access::read_only, busy_timeout);
    if (!file) return fail(std::move(file).error());
    auto version = version_of(*file, path, found.newest);
    if (!version) return fail(std::move(version).error());
    found.version = *version;
    return found;
}

} // namespace sluice::sqlite

// SQLite, in the server's own process.
#include "database.hpp"
#include "resources/schema.hpp"
#include "resources/users/sqlite_user_repository.hpp"

#include <sluice/server/metrics_routes.hpp>
#include <sluice/sqlite/database.hpp>
#include <sluice/sqlite/operation_metrics.hpp>

#include <utility>

namespace sluice::app {
namespace {

// Reads from the file, which a statement without a table would not.
task<result<void>> ping(sqlite::database& file)
{
    auto answered = co_await file.read([](sqlite::connection& c) -> result<void> {
        auto tables =
            c.query_one("SELECT count(*) FROM sqlite_schema", [](const sqlite::row& r) { return r.get<int>(0); });
        if (!tables) return std::unexpected(std::move(tables).error());
        return {};
    });
    co_return answered;
}

class embedded_database final : public database
{
public:
    embedded_database(std::unique_ptr<sqlite::database> file, std::string path)
        : file_(std::move(file)), path_(std::move(path))
    {}
    [[nodiscard]] std::string_view kind() const noexcept override { return "sqlite"; }
    [[nodiscard]] std::string place() const override { return path_; }
    [[nodiscard]] const offload_pool& blocking() const noexcept override { return file_->read_pool(); }
    [[nodiscard]] users::user_repository& make_users(shard& on) override
    {
        on.own<sqlite::operation_metrics>(shard_metrics());
        return on.own<users::sqlite_user_repository>(*file_);
    }
    [[nodiscard]] health::readiness_check readiness(shard&) override
    {
        return [this] { return ping(*file_); };
    }

private:
    std::unique_ptr<sqlite::database> file_;
    std::string path_;
};

} // namespace

result<std::unique_ptr<database>> open_embedded(const std::string& path)
{
    auto opened = sqlite::database::open({.path = path, .migrations = sqlite_schema});
    if (!opened) return fail(std::move(opened).error());
    return std::make_unique<embedded_database>(*std::move(opened), path);
}

} // namespace sluice::app

// `sluice migrate`: brings the database schema up to date and stops.
#include "commands.hpp"
#include "resources/schema.hpp"

#include <sluice/sqlite/migration.hpp>

#include <fmt/format.h>

namespace sluice::app {

int migrate(const loaded_settings& loaded)
{
    const std::string& path = loaded.values.sqlite_path;
    const result<sqlite::schema_state> found = sqlite::migrate(path, sqlite_schema);
    if (!found) {
        complain(found.error().detail);
        return status_failed;
    }
    if (found->version == found->newest)
        fmt::print("{} is up to date: schema version {}\n", path, found->newest);
    else
        fmt::print("{} migrated from schema version {} to {}\n", path, found->version, found->newest);
    return status_done;
}

} // namespace sluice::app

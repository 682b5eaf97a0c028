// `sluice migrate`: brings the database schema up to date and stops.
#include "commands.hpp"
#include "resources/schema.hpp"

#include <sluice/postgres/connection_info.hpp>
#include <sluice/postgres/migration.hpp>
#include <sluice/sqlite/migration.hpp>

#include <fmt/format.h>

namespace sluice::app {

namespace {

template <class State> int tell(const std::string& place, const result<State>& found)
{
    if (!found) {
        complain(found.error().detail);
        return status_failed;
    }
    if (found->version == found->newest)
        fmt::print("{} is up to date: schema version {}\n", place, found->newest);
    else
        fmt::print("{} migrated from schema version {} to {}\n", place, found->version, found->newest);
    return status_done;
}

} // namespace

int migrate(const loaded_settings& loaded)
{
    const settings& values = loaded.values;
    if (!values.uses_postgres()) return tell(values.sqlite_path, sqlite::migrate(values.sqlite_path, sqlite_schema));
    const std::string url = values.postgres_url();
    return tell(postgres::place_of(url),
                postgres::migrate({.url = url, .connect_timeout = values.postgres.connect_timeout}, postgres_schema));
}

} // namespace sluice::app

// What can be set, with the defaults: the program's settings as plain values.
//
// A setting is added here as a member and in setting_table.cpp as one row; files, environment, flags, `sluice config`
// and docs/settings.md follow from the row.
#pragma once

#include <sluice/server/server.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <string>

namespace sluice::app {

struct settings
{
    server_options server = {.admin_listen = "127.0.0.1:9090", .access_log = true};
    std::string sqlite_path = "sluice.db";
    log_level level = log_level::info;
    std::string log_file; // empty: standard output
};

} // namespace sluice::app

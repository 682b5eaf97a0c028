#include "resources/schema.hpp"

namespace sluice {
namespace {

// A compiler cache that does not know #embed (ccache before 4.11) goes on giving the files as they were:
// CCACHE_RECACHE=1.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char sqlite_0001[] = {
#embed "migrations/sqlite/0001_users.sql"
};
constexpr char postgres_0001[] = {
#embed "migrations/postgres/0001_users.sql"
};
#pragma clang diagnostic pop

constexpr std::array sqlite_steps = {
    sqlite::migration{.name = "users", .sql = {sqlite_0001, sizeof sqlite_0001}},
};
constexpr std::array postgres_steps = {
    postgres::migration{.name = "users", .sql = {postgres_0001, sizeof postgres_0001}},
};

} // namespace

constinit const std::span<const sqlite::migration> sqlite_schema = sqlite_steps;
constinit const std::span<const postgres::migration> postgres_schema = postgres_steps;

} // namespace sluice

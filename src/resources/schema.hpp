// The schema of each database: every resource's steps in the order in which they came to be. A new step goes to the
// end of both.
#pragma once

#include "resources/users/user_schema.hpp"

#include <array>
#include <string_view>

namespace sluice {

inline constexpr std::array sqlite_schema = {users::sqlite_users_table};
inline constexpr std::array postgres_schema = {users::postgres_users_table};

// What the server reads and writes there.
inline constexpr std::array<std::string_view, 1> postgres_tables = {"users"};

} // namespace sluice

// The embedded database's schema: every resource's steps in the order in which they came to be. A new step goes to the
// end.
#pragma once

#include "resources/users/user_schema.hpp"

#include <sluice/sqlite/migration.hpp>

#include <array>

namespace sluice {

inline constexpr std::array sqlite_schema = {users::users_table};

} // namespace sluice

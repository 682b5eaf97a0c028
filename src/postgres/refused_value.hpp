// Which of a statement's values PostgreSQL refused: by what it says of that, else by the values themselves.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/postgres/parameters.hpp>

struct pg_result;

namespace sluice::postgres {

// An errc::invalid. It names the member where that can be known; where PostgreSQL says only which rule was broken,
// every one that breaks it; and none where nothing can be told.
[[nodiscard]] error refused_value(const pg_result* failed, const parameters& with);

} // namespace sluice::postgres

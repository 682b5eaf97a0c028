// Where a page of users goes on: opaque to clients, stable whatever is added or removed meanwhile, since it names the
// last id that was seen and not a position.
#pragma once

#include <sluice/core/pool.hpp>
#include <sluice/core/uuid.hpp>

#include <optional>
#include <string_view>

namespace sluice::users {

[[nodiscard]] pooled_string write_cursor(const uuid& last);
[[nodiscard]] std::optional<uuid> read_cursor(std::string_view text) noexcept;

} // namespace sluice::users

// What an e-mail and a name may be. Pure functions; each rule says what is wrong in a sentence for the client.
#pragma once

#include <sluice/core/pool.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::users {

inline constexpr std::size_t email_bytes_max = 254; // RFC 5321: a path of 256 octets with its brackets
inline constexpr std::size_t name_points_max = 200;

// HTML's rule for `input type=email`, and the length.
[[nodiscard]] std::optional<std::string_view> email_fault(std::string_view email) noexcept;
// 1 to 200 code points of valid UTF-8 without control characters.
[[nodiscard]] std::optional<std::string_view> name_fault(std::string_view name) noexcept;

// The form in which e-mails are unique: ASCII letters in lower case.
[[nodiscard]] pooled_string fold_email(std::string_view email);

} // namespace sluice::users

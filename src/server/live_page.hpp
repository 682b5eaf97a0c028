// The live page's document, as it stands in live_page.html.
#pragma once

#include <string_view>

namespace sluice {

[[nodiscard]] std::string_view live_page() noexcept;

} // namespace sluice

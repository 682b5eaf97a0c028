// For `sluice check`: could the server listen there? Asked with sockets that never listen, so that no client connects.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::app {

// Of a valid address (listen_address.hpp): why it cannot be listened on, and the mend; nothing if it can. Leaves no
// socket and touches no file.
[[nodiscard]] std::optional<std::string> why_not_listen(std::string_view address);

} // namespace sluice::app

#include "telemetry/log_output.hpp"

#include <poll.h>

namespace sluice::telemetry {

bool log_output::wait_for_room(int descriptor) noexcept
{
    constexpr int poll_ms = 100;
    for (;;) {
        pollfd wait = {.fd = descriptor, .events = POLLOUT, .revents = 0};
        const int ready = ::poll(&wait, 1, poll_ms);
        if (ready > 0) return true;
        if (ready == 0 && ending_.load(std::memory_order_relaxed) && --polls_left_ <= 0) return false;
    }
}

} // namespace sluice::telemetry

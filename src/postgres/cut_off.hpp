// Ends a connection from another thread: that of a stop token. Whoever waits for the server then finds it gone.
#pragma once

#include <sys/socket.h>

#include <fcntl.h>
#include <stop_token>
#include <unistd.h>

namespace sluice::postgres {

class cut_off
{
public:
    // By a second descriptor of the socket, since libpq may close its own at any time.
    cut_off(int socket, const std::stop_token& stop) noexcept : open_(socket), stopped_(stop, shut{open_.second}) {}

private:
    struct descriptor
    {
        explicit descriptor(int of) noexcept : second(::fcntl(of, F_DUPFD_CLOEXEC, 0)) {}
        ~descriptor() { ::close(second); }
        descriptor(const descriptor&) = delete;
        descriptor& operator=(const descriptor&) = delete;
        int second;
    };
    struct shut
    {
        int socket;
        void operator()() const noexcept { ::shutdown(socket, SHUT_RDWR); }
    };
    descriptor open_;
    std::stop_callback<shut> stopped_; // last: it ends before what it shuts is closed
};

} // namespace sluice::postgres

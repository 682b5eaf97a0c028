// A client as a test needs it: a blocking socket that sends what it is told, whole or in pieces, and reads answers.
//
// Every wait ends after twenty seconds at the latest, so that a test fails where it would hang. What it cannot do is
// reported as a test failure; reading after one gives empty answers.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::testing {

struct answer
{
    int status = 0; // 0: there was none
    std::string head;
    std::string body;
    bool whole = false; // the body came to the end that its framing gave it
    [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

struct client_options
{
    int receive_buffer = 0; // SO_RCVBUF; 0: as the kernel likes
    int send_buffer = 0;
};

class client
{
public:
    // "127.0.0.1:PORT", "[::1]:PORT" or "unix:/path".
    explicit client(std::string_view address, client_options options = {});
    ~client();
    client(client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), received_(std::move(other.received_)) {}
    client& operator=(client&& other) noexcept
    {
        std::swap(fd_, other.fd_);
        received_.swap(other.received_);
        return *this;
    }
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    [[nodiscard]] bool connected() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int fd() const noexcept { return fd_; }

    // All of it. False if the server has closed the connection meanwhile.
    bool send(std::string_view bytes);
    // As much as goes out without waiting.
    std::size_t send_some(std::string_view bytes);
    void half_close();
    // Ends the connection with a reset, as a client does that dies.
    void reset();
    void close();

    // The next answer; interim ones (1xx) count as answers of their own.
    [[nodiscard]] answer read_answer(bool to_head = false);
    // Exactly that many bytes, or fewer if the connection ends before.
    [[nodiscard]] std::string read_bytes(std::size_t count);
    // Everything up to the end of the connection.
    [[nodiscard]] std::string read_all();
    // Has the server closed (and sent nothing before)? Waits for it.
    [[nodiscard]] bool closed_by_server();
    // Is nothing there to be read within so short a time that it would have been? For what must not come.
    [[nodiscard]] bool silent(int milliseconds = 50) const;
    // Is there anything to be read by now?
    [[nodiscard]] bool readable() const { return !received_.empty() || !silent(0); }

    answer ask(std::string_view request)
    {
        send(request);
        return read_answer();
    }

private:
    bool receive();
    std::string take(std::size_t bytes);

    int fd_ = -1;
    std::string received_;
};

// "GET path HTTP/1.1" with a Host.
[[nodiscard]] std::string get(std::string_view path, std::string_view fields = {});
[[nodiscard]] std::string post(std::string_view path, std::string_view body, std::string_view fields = {});

} // namespace sluice::testing

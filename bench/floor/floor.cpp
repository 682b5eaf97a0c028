// The floor: what this machine can do at best. `floor PORT`
//
// One io_uring on one thread that sends a fixed response for every blank line it receives and parses nothing: the least
// that an HTTP server must do, and so the measure for everything else. It stands alone, knows nothing of the library,
// and never polls. docs/decisions/0003-floor-and-ring-operations.md says why its operations are the ones they are.
#include "bare.hpp"

#include <array>
#include <cstring>
#include <vector>

namespace {

using bare::operation;

constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
constexpr std::size_t answers_per_send_max = 256;

// One for each descriptor. It is closed when none of its operations is under way, so no completion meets a successor.
struct connection
{
    std::size_t owed = 0; // answers
    unsigned matched = 0; // how much of a blank line the last bytes were
    bool receiving = false;
    bool sending = false;
};

// How many blank lines end in these bytes. Nearly always they are whole requests, so the search starts from what the
// last bytes were only if those could have begun one.
std::size_t blank_lines(connection& from, std::string_view bytes)
{
    constexpr std::string_view blank_line = "\r\n\r\n";
    std::size_t found = 0;
    if (from.matched == 0) {
        for (auto at = bytes.find(blank_line); at != bytes.npos; at = bytes.find(blank_line)) {
            ++found;
            bytes.remove_prefix(at + blank_line.size());
        }
        if (bytes.size() >= blank_line.size()) bytes.remove_prefix(bytes.size() - blank_line.size() + 1);
    }
    for (const char c : bytes) {
        from.matched = c == blank_line[from.matched] ? from.matched + 1 : unsigned{c == '\r'};
        if (from.matched == blank_line.size()) {
            ++found;
            from.matched = 0;
        }
    }
    return found;
}

class floor_server
{
public:
    explicit floor_server(std::uint16_t port) : listener_(bare::listen_on(port)), connections_(bare::descriptors_max)
    {
        for (std::size_t i = 0; i < answers_per_send_max; ++i)
            std::memcpy(answers_.data() + i * answer.size(), answer.data(), answer.size());
    }

    [[noreturn]] void run()
    {
        ring_.accept(listener_);
        for (;;) {
            ring_.submit_and_wait(1);
            ring_.reap([this](operation what, int fd, const io_uring_cqe& done) { complete(what, fd, done); });
            // Only now: all that came from a connection in this turn is answered with one send.
            for (const int fd : to_answer_) send(fd);
            to_answer_.clear();
        }
    }

private:
    connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    void receive(int fd)
    {
        ring_.receive(fd);
        at(fd).receiving = true;
    }

    void send(int fd)
    {
        connection& to = at(fd);
        if (to.sending || to.owed == 0) return;
        const std::size_t count = std::min(to.owed, answers_per_send_max);
        ring_.send(fd, {answers_.data(), count * answer.size()});
        to.owed -= count;
        to.sending = true;
    }

    void complete(operation what, int fd, const io_uring_cqe& done)
    {
        switch (what) {
        case operation::accept:
            accepted(done);
            break;
        case operation::receive:
            received(fd, done);
            break;
        case operation::send:
            sent(fd, done);
            break;
        case operation::watch:
            break;
        }
    }

    void accepted(const io_uring_cqe& done)
    {
        if ((done.flags & IORING_CQE_F_MORE) == 0) ring_.accept(listener_);
        if (done.res < 0) return;
        at(done.res) = connection();
        receive(done.res);
    }

    void received(int fd, const io_uring_cqe& done)
    {
        connection& from = at(fd);
        from.receiving = (done.flags & IORING_CQE_F_MORE) != 0;
        if (done.res > 0) {
            from.owed += blank_lines(from, ring_.bytes_of(done));
            ring_.give_back(done);
            to_answer_.push_back(fd);
        }
        if (from.receiving) return;
        if (done.res > 0 || done.res == -ENOBUFS)
            receive(fd);
        else
            close_if_done(fd);
    }

    void sent(int fd, const io_uring_cqe& done)
    {
        connection& to = at(fd);
        to.sending = false;
        if (done.res < 0) {
            to.owed = 0;
            ::shutdown(fd, SHUT_RDWR); // ends the receive
        }
        if (to.owed != 0)
            to_answer_.push_back(fd);
        else
            close_if_done(fd);
    }

    void close_if_done(int fd)
    {
        const connection& done = at(fd);
        if (!done.receiving && !done.sending && done.owed == 0) ::close(fd);
    }

    int listener_;
    bare::ring ring_;
    std::vector<connection> connections_;
    std::vector<int> to_answer_;
    std::array<char, answers_per_send_max * answer.size()> answers_ = {};
};

} // namespace

int main(int argc, char** argv)
{
    const auto port = bare::port_of(argc == 2 ? argv[1] : "");
    if (!port) {
        std::fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }
    bare::raise_descriptor_limit();
    floor_server(*port).run();
}

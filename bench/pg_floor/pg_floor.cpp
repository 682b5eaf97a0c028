// The floor with a database: what this machine can do at best for GET /users/{id}. `pg_floor PORT`
//
// One io_uring on one thread and one libpq connection in pipeline mode to DATABASE_URL. It cuts ids out of requests by
// hand, parses nothing else, asks for all rows of a turn with one sync, and answers each with JSON of a fixed shape
// whose text it does not escape. What it does not understand ends the connection, and what PostgreSQL refuses ends the
// program. BUSY_POLL_US in the environment is how long it looks for work before it sleeps; without it, not at all.
#include "../floor/bare.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <deque>
#include <libpq-fe.h>
#include <poll.h>
#include <string>
#include <utility>
#include <vector>

namespace {

using bare::operation;
using clock_type = std::chrono::steady_clock;

constexpr std::string_view target = "GET /users/";
constexpr std::string_view blank_line = "\r\n\r\n";
constexpr std::string_view not_found = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
constexpr std::size_t request_bytes_max = 4096;
constexpr std::size_t id_characters = 36;
constexpr Oid uuid_oid = 2950;

using id_text = std::array<char, id_characters>;
using id_bytes = std::array<char, 16>;

[[noreturn]] void die_of(const char* what, const char* message)
{
    std::fprintf(stderr, "pg_floor: %s: %s\n", what, message);
    std::exit(1);
}

std::optional<id_bytes> bytes_of(const id_text& text)
{
    id_bytes bytes;
    std::size_t at = 0;
    for (char& byte : bytes) {
        if (at == 8 || at == 13 || at == 18 || at == 23)
            if (text[at++] != '-') return std::nullopt;
        std::uint8_t value = 0;
        if (std::from_chars(text.data() + at, text.data() + at + 2, value, 16).ptr != text.data() + at + 2)
            return std::nullopt;
        byte = std::bit_cast<char>(value);
        at += 2;
    }
    return bytes;
}

// One for each descriptor. It is closed when nothing of it is under way, so no completion and no row meets a successor.
struct connection
{
    std::string unread; // a request whose end has not come yet
    std::string answers;
    std::string sending;
    std::size_t awaited = 0; // rows
    bool receiving = false;
};

class database
{
public:
    explicit database(const char* url) : link_(PQconnectdb(url))
    {
        if (PQstatus(link_) != CONNECTION_OK) die_of("connecting", PQerrorMessage(link_));
        const char* sql = "SELECT email, name, created_at, updated_at FROM users WHERE id = $1";
        PGresult* prepared = PQprepare(link_, "find", sql, 1, &uuid_oid);
        if (PQresultStatus(prepared) != PGRES_COMMAND_OK) die_of("preparing", PQerrorMessage(link_));
        PQclear(prepared);
        if (PQsetnonblocking(link_, 1) != 0 || PQenterPipelineMode(link_) != 1)
            die_of("pipeline mode", PQerrorMessage(link_));
    }
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    [[nodiscard]] int descriptor() const { return PQsocket(link_); }

    void ask(const id_bytes& id)
    {
        const char* value = id.data();
        constexpr int length = std::tuple_size_v<id_bytes>;
        const int binary = 1;
        if (PQsendQueryPrepared(link_, "find", 1, &value, &length, &binary, 1) != 1)
            die_of("sending", PQerrorMessage(link_));
        ++unsynced_;
    }

    // Sends all that was asked since the last time.
    void sync()
    {
        if (unsynced_ == 0) return;
        if (PQpipelineSync(link_) != 1) die_of("syncing", PQerrorMessage(link_));
        unsynced_ = 0;
    }

    [[nodiscard]] bool has_unsent() { return PQflush(link_) > 0; }

    // `found` is called with each row's result, in the order in which they were asked for.
    template <class Found> void take(Found found)
    {
        if (PQconsumeInput(link_) != 1) die_of("receiving", PQerrorMessage(link_));
        while (PQisBusy(link_) == 0) {
            PGresult* one = PQgetResult(link_);
            if (one == nullptr) { // ends a query, or there is nothing more
                if (PQisBusy(link_) != 0) return;
                one = PQgetResult(link_);
                if (one == nullptr) return;
            }
            switch (PQresultStatus(one)) {
            case PGRES_TUPLES_OK:
                found(*one);
                break;
            case PGRES_PIPELINE_SYNC:
                break;
            default:
                die_of("a query", PQresultErrorMessage(one));
            }
            PQclear(one);
        }
    }

private:
    PGconn* link_;
    std::size_t unsynced_ = 0;
};

class pg_floor_server
{
public:
    pg_floor_server(std::uint16_t port, const char* url, std::chrono::microseconds busy_poll)
        : database_(url), busy_poll_(busy_poll), listener_(bare::listen_on(port)), connections_(bare::descriptors_max)
    {}

    [[noreturn]] void run()
    {
        ring_.accept(listener_);
        for (;;) {
            watch();
            wait();
            ring_.reap([this](operation what, int fd, const io_uring_cqe& done) { complete(what, fd, done); });
            // Only now: all that came in this turn is one flight to the database and one send to each connection.
            database_.sync();
            for (const int fd : to_answer_) send(fd);
            to_answer_.clear();
        }
    }

private:
    struct question
    {
        int fd;
        id_text id;
    };

    connection& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    void wait()
    {
        if (busy_poll_.count() > 0) {
            const auto end = clock_type::now() + busy_poll_;
            do {
                ring_.submit_and_wait(0);
                if (ring_.has_completions()) return;
            } while (clock_type::now() < end);
        }
        ring_.submit_and_wait(1);
    }

    // Only while an answer is owed: a connection without work is silent.
    void watch()
    {
        if (watching_ || asked_.empty()) return;
        ring_.watch(database_.descriptor(), database_.has_unsent() ? POLLIN | POLLOUT : POLLIN);
        watching_ = true;
    }

    void receive(int fd)
    {
        ring_.receive(fd);
        at(fd).receiving = true;
    }

    void send(int fd)
    {
        connection& to = at(fd);
        if (!to.sending.empty() || to.answers.empty()) return;
        std::swap(to.sending, to.answers);
        ring_.send(fd, to.sending);
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
            watching_ = false;
            database_.take([this](const PGresult& row) { found(row); });
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
            if (!take_requests(fd, ring_.bytes_of(done))) ::shutdown(fd, SHUT_RDWR); // ends the receive
            ring_.give_back(done);
        }
        if (from.receiving) return;
        if (done.res > 0 || done.res == -ENOBUFS)
            receive(fd);
        else
            close_if_done(fd);
    }

    // False where the bytes are no requests for users.
    bool take_requests(int fd, std::string_view bytes)
    {
        connection& from = at(fd);
        if (!from.unread.empty()) bytes = from.unread.append(bytes);
        for (auto end = bytes.find(blank_line); end != bytes.npos; end = bytes.find(blank_line)) {
            if (!ask(fd, bytes.substr(0, end))) return false;
            bytes.remove_prefix(end + blank_line.size());
        }
        if (bytes.size() > request_bytes_max) return false;
        from.unread = std::string(bytes);
        return true;
    }

    bool ask(int fd, std::string_view request)
    {
        if (!request.starts_with(target) || request.size() < target.size() + id_characters) return false;
        question one = {.fd = fd, .id = {}};
        std::memcpy(one.id.data(), request.data() + target.size(), id_characters);
        const auto id = bytes_of(one.id);
        if (!id) return false;
        database_.ask(*id);
        asked_.push_back(one);
        ++at(fd).awaited;
        return true;
    }

    void found(const PGresult& row)
    {
        const question asked = asked_.front();
        asked_.pop_front();
        connection& to = at(asked.fd);
        --to.awaited;
        if (PQntuples(&row) == 1)
            write(to.answers, asked.id, row);
        else
            to.answers += not_found;
        to_answer_.push_back(asked.fd);
    }

    static std::string_view text(const PGresult& row, int column)
    {
        return {PQgetvalue(&row, 0, column), static_cast<std::size_t>(PQgetlength(&row, 0, column))};
    }

    // Microseconds since the year 2000, which is how PostgreSQL keeps a time.
    static std::string_view number(const PGresult& row, int column, std::array<char, 24>& into)
    {
        std::uint64_t value = 0;
        std::memcpy(&value, PQgetvalue(&row, 0, column), sizeof value);
        const auto written = std::to_chars(into.data(), into.data() + into.size(),
                                           std::bit_cast<std::int64_t>(__builtin_bswap64(value)));
        return {into.data(), written.ptr};
    }

    static void write(std::string& to, const id_text& id, const PGresult& row)
    {
        std::array<char, 24> created;
        std::array<char, 24> updated;
        const std::array<std::string_view, 11> body = {
            R"({"id":")", {id.data(), id.size()}, R"(","email":")",        text(row, 0),        R"(","name":")",
            text(row, 1), R"(","created_at":)",   number(row, 2, created), R"(,"updated_at":)", number(row, 3, updated),
            "}"};
        std::size_t size = 0;
        for (const auto part : body) size += part.size();
        std::array<char, 24> digits;
        const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), size);
        to += "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
        to.append(digits.data(), written.ptr);
        to += blank_line;
        for (const auto part : body) to += part;
    }

    void sent(int fd, const io_uring_cqe& done)
    {
        connection& to = at(fd);
        to.sending.clear();
        if (done.res < 0) {
            to.answers.clear();
            ::shutdown(fd, SHUT_RDWR); // ends the receive
        }
        if (!to.answers.empty())
            to_answer_.push_back(fd);
        else
            close_if_done(fd);
    }

    void close_if_done(int fd)
    {
        const connection& done = at(fd);
        if (!done.receiving && done.sending.empty() && done.answers.empty() && done.awaited == 0) ::close(fd);
    }

    database database_;
    std::chrono::microseconds busy_poll_;
    int listener_;
    bare::ring ring_;
    std::vector<connection> connections_;
    std::deque<question> asked_;
    std::vector<int> to_answer_;
    bool watching_ = false;
};

} // namespace

int main(int argc, char** argv)
{
    const auto port = bare::port_of(argc == 2 ? argv[1] : "");
    const char* url = std::getenv("DATABASE_URL");
    if (!port || url == nullptr) {
        std::fprintf(stderr, "usage: DATABASE_URL=… [BUSY_POLL_US=…] pg_floor PORT\n");
        return 2;
    }
    const char* busy_poll = std::getenv("BUSY_POLL_US");
    bare::raise_descriptor_limit();
    pg_floor_server(*port, url, std::chrono::microseconds(busy_poll == nullptr ? 0 : std::atoi(busy_poll))).run();
}

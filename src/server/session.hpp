// session: drives one connection. It moves bytes between the ring and the HTTP machine, finds the route, runs the
// handler and keeps the time; what HTTP demands it asks http::connection.
//
// One request of a connection is under way at a time; pipelined ones wait, in order, and the answers of a turn leave in
// one send. While idle it holds no buffer, no parser and no request: see exchange.hpp.
//
// Life: made by the acceptor, listed by shard_server, closed by close() from wherever it is decided, and destroyed at a
// turn's end once no operation, no handler and no queue refers to it any more. Thread: its shard's.
#pragma once

#include "server/exchange.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/buffer.hpp>
#include <sluice/core/intrusive_list.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/ring/operation.hpp>
#include <sluice/shard/timer.hpp>
#include <sluice/shard/wait.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace sluice {

class router;
class shard_server;
struct admission;

class session final : public list_node<session>
{
public:
    static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { pool_deallocate(block, bytes); }

    session(shard_server& server, const router& routes, int fd) noexcept;
    ~session();

    void start();
    // The server drains: close if nothing is under way, otherwise with the answer.
    void drain();
    // Now, whatever is under way.
    void close();
    [[nodiscard]] const router& routes() const noexcept { return routes_; }

private:
    friend class request_body;
    friend class response_body;

    enum class phase : std::uint8_t
    {
        idle, // between requests
        reading_head,
        reading_body,
        answering, // a handler, or a middleware that waits, is at work
        ending,    // no more requests: what is owed goes out
        lingering, // all is out: what still comes is thrown away until the client has gone
        closed,
    };

    // What is sent from where it lies: the response keeps it alive.
    struct large_body
    {
        static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
        static void operator delete(void* block, std::size_t bytes) noexcept { pool_deallocate(block, bytes); }

        http::response owner;
        std::string_view rest;
    };

    // --- Input.
    void on_receive(completion c);
    void received(std::string_view bytes);
    void input_ended();
    void watch_for_reset();
    void update_receiving();
    void advance();
    void wait_for_input();

    // --- A request.
    void begin_request();
    [[nodiscard]] std::string_view client_of(const http::request& asked);
    [[nodiscard]] admission admit_at_once();
    [[nodiscard]] duration request_timeout() const noexcept;
    void renew_deadline() noexcept;
    [[nodiscard]] bool begin_body();
    [[nodiscard]] bool answer_request();
    void accept_body(http::body_mode mode);
    void refuse(http::status status, std::string_view detail);
    // Coroutines of this session: one at a time, and handler_ended() is the last thing each does.
    [[nodiscard]] bool run(task<void>&& work);
    task<void> admit_then_read(std::size_t passed);
    task<void> handle_request(std::size_t passed);
    task<void> handle_stream();
    task<void> stream_answer(http::response answer);
    task<void> read_stream();
    task<void> write_stream(http::response& answer);
    void handler_ended();

    // --- Output.
    [[nodiscard]] http::response_context response_context() noexcept;
    void respond(http::response&& answer);
    void end_answer(http::status status, bool waits);
    void answer_is_over();
    void note_answered();
    // In the metrics, the trace and as the access line, while the request is still there. Once for each request: where
    // its connection ended before the answer, when its exchange is given back.
    void record_answer(http::status status, std::uint64_t bytes_out) const;
    void flush_later();
    void flush();
    void on_sent(completion c);
    [[nodiscard]] std::size_t unsent() const noexcept { return out_.size() + sending_.size(); }
    [[nodiscard]] bool output_is_full() const noexcept;

    // --- Time and end.
    void enter(phase p);
    void expect_by(time_point when);
    void on_time();
    [[nodiscard]] bool quiet() const noexcept;
    void end_if_quiet();
    void end_after_output();
    void output_is_out();
    void release_exchange();
    void bury_if_done();

    shard_server& server_;
    const router& routes_;
    int fd_;
    phase phase_ = phase::idle;
    bool has_asked_ : 1 = false;       // something has been received
    bool input_ended_ : 1 = false;     // the client has shut down its writing
    bool paused_ : 1 = false;          // receiving is stopped until there is room
    bool output_full_ : 1 = false;     // answering is stopped until output has been sent
    bool unwritten_ : 1 = false;       // … until all of it has: the current request's answer is not over before
    bool ending_ : 1 = false;          // no more requests: close once the output is out
    bool linger_ : 1 = false;          // … after reading what the client still sends
    bool handler_running_ : 1 = false; // a coroutine of this session has not ended
    bool body_admitted_ : 1 = false;   // middleware has let the current request pass, ahead of its body
    bool advancing_ : 1 = false;
    bool peer_trusted_ : 1 = false; // its word about its clients counts
    std::uint8_t client_size_ = 0;
    char client_[46];
    bound<operation, &session::on_receive> receive_{*this};
    bound<operation, &session::on_sent> send_{*this};
    bound<timer, &session::on_time> timer_{*this};
    time_point deadline_ = never;
    time_point timer_at_ = never;                  // not later than the deadline: the timer looks when it fires
    bound<ready, &session::flush> flush_{*this};   // at the turn's end
    bound<ready, &session::advance> go_on_{*this}; // in the next turn
    buffer out_;                                   // answers, gathered
    buffer sending_;                               // what the kernel is sending
    exchange* exchange_ = nullptr;
    std::unique_ptr<large_body> large_body_; // behind out_
    wait* input_waiter_ = nullptr;           // of request_body
    wait* output_waiter_ = nullptr;          // of response_body
};

} // namespace sluice

#include "server/session.hpp"

#include "server/listen.hpp"
#include "server/session_streams.hpp"
#include "server/shard_server.hpp"

#include <sluice/http/problem.hpp>
#include <sluice/http/request_parts.hpp>
#include <sluice/route/router.hpp>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace sluice {

namespace {

// A connection answers this many requests in one turn, then lets the others go first.
constexpr unsigned requests_a_turn = 64;
// A body that outlives its response is sent from where it lies from this size on; below it a copy is cheaper.
constexpr std::size_t referenced_bytes_min = 16 * 1024;
// … in operations of this size, each of which has to make progress within the idle timeout.
constexpr std::size_t referenced_slice = 256 * 1024;
// How long a client may go on sending what nobody reads, before its connection is cut.
constexpr duration linger_time = std::chrono::seconds(2);
// While draining, a connection that has not said anything yet gets this long to begin.
constexpr duration drain_first_request = std::chrono::seconds(1);
using parts = http::request::parts;

// What a request without a body gives to a handler that reads it as a stream: its end. Stateless, so one serves all.
class no_body final : public http::body_reader
{
public:
    [[nodiscard]] task<result<std::string_view>> read() override { co_return std::string_view(); }
};
constinit no_body nothing_to_read;

} // namespace

// What is sent from where it lies: the response keeps it alive.
struct session::large_body
{
    http::response owner;
    std::string_view rest;
};

session::session(shard_server& server, const router& routes, int fd) noexcept
    : server_(server), routes_(routes), fd_(fd)
{
    const std::string_view peer = peer_text(fd);
    client_size_ = static_cast<std::uint8_t>(peer.copy(client_, sizeof client_));
}

session::~session() = default;

void session::start()
{
    server_.here().ring().receive_multishot(fd_, receive_);
    expect_by(server_.here().now() + (server_.draining() ? drain_first_request : server_.options().idle_timeout));
}

// --- Input.

void session::on_receive(completion c)
{
    if (c.result > 0) {
        received(server_.here().ring().received(c));
        server_.here().ring().recycle(c);
    } else {
        server_.here().ring().recycle(c);
        if (c.result == 0)
            input_ended();
        else if (c.result != -ENOBUFS && c.result != -ECANCELED)
            close(); // reset by the client
    }
    // Ended for want of buffers, or as the kernel saw fit: go on. Buffers are given back before the next enter.
    if (phase_ != phase::closed)
        update_receiving();
    else
        bury_if_done();
}

void session::received(std::string_view bytes)
{
    if (ending_) return; // thrown away
    has_asked_ = true;
    if (exchange_ == nullptr) exchange_ = &server_.borrow_exchange();
    exchange_->machine.feed(bytes);
    if (handler_running_ || output_full_ || go_on_.queued) { // not now
        exchange_->machine.keep();
        if (input_waiter_ != nullptr) input_waiter_->complete();
        return;
    }
    advance();
}

void session::input_ended()
{
    input_ended_ = true;
    if (phase_ == phase::lingering) return close();
    if (exchange_ == nullptr) return end_after_output();
    exchange_->machine.end_of_input();
    if (input_waiter_ != nullptr) input_waiter_->complete();
    if (!handler_running_ && !output_full_ && !go_on_.queued) advance();
}

// Receives while there is room for what comes, and stops while there is not.
void session::update_receiving()
{
    const std::size_t pending = exchange_ != nullptr ? exchange_->machine.pending_bytes() : 0;
    const std::size_t bound = server_.options().limits.pipelined_bytes;
    if (!paused_ && pending >= bound) {
        paused_ = true;
        server_.here().ring().cancel(receive_);
    } else if (paused_ && pending <= bound / 2) {
        paused_ = false;
    }
    if (!paused_ && !input_ended_ && !receive_.in_flight()) server_.here().ring().receive_multishot(fd_, receive_);
}

// Makes what can be made of the input: answers requests until there is nothing more to do now.
void session::advance()
{
    if (phase_ == phase::closed) return bury_if_done();
    if (advancing_ || exchange_ == nullptr) return;
    advancing_ = true;
    for (unsigned answered_now = 0; !ending_;) {
        if (output_is_full()) {
            output_full_ = true; // on_sent() goes on
            exchange_->machine.keep();
            break;
        }
        if (answered_now == requests_a_turn) {
            exchange_->machine.keep();
            server_.here().ready().post(go_on_);
            break;
        }
        const http::event what = exchange_->machine.next();
        if (what == http::event::need_input) {
            wait_for_input();
            break;
        }
        bool goes_on = true;
        if (what == http::event::refused) {
            const http::refusal why = exchange_->machine.refused();
            refuse(why.status, why.detail);
        } else if (what == http::event::head) {
            goes_on = begin_body();
        } else {
            ++answered_now;
            goes_on = answer_request();
        }
        if (!goes_on) break;
    }
    advancing_ = false;
    if (phase_ == phase::closed) return bury_if_done();
    if (ending_ && !handler_running_) end_after_output();
    update_receiving();
}

void session::wait_for_input()
{
    if (input_ended_) { // what is incomplete will stay so
        ending_ = true;
    } else if (exchange_->machine.idle()) {
        release_exchange();
        enter(phase::idle);
    } else {
        enter(body_admitted_ ? phase::reading_body : phase::reading_head);
    }
}

// --- A request.

void session::begin_request()
{
    ++server_.counters().requests;
    http::request& asked = exchange_->machine.current();
    context& belongs = exchange_->request_context;
    belongs.trace = trace_context::start();
    if (auto caller = asked.header("traceparent")) {
        if (auto continued = trace_context::from_traceparent(*caller)) {
            continued->sampled = false; // whose flag to trust is for the operator to say
            belongs.trace = *continued;
        }
    }
    parts::context(asked) = &belongs;
    parts::client(asked) = {client_, client_size_};
    parts::stream(asked) = &nothing_to_read;
    exchange_->matched = routes_.find(asked).found;
    belongs.deadline = server_.here().now() + request_timeout();
}

duration session::request_timeout() const noexcept
{
    return exchange_->matched->options().request_timeout.value_or(server_.options().request_timeout);
}

// A head with a body behind it. False: a coroutine has taken over, and goes on by itself.
bool session::begin_body()
{
    begin_request();
    const route& found = *exchange_->matched;
    if (!found.admits_plainly()) return run(admit_then_read());
    context* before = context::exchange_current(&exchange_->request_context);
    auto refused = found.admit(exchange_->machine.current());
    context::exchange_current(before);
    if (refused) {
        respond(*std::move(refused));
        return true;
    }
    body_admitted_ = true;
    if (found.options().stream_body) return run(handle_stream());
    accept_body(http::body_mode::buffered);
    return true;
}

void session::accept_body(http::body_mode mode)
{
    const auto& own_limit = exchange_->matched->options().body_bytes;
    exchange_->machine.accept_body(mode, own_limit.value_or(server_.options().limits.body_bytes));
    if (exchange_->machine.take_expect_continue()) {
        out_.append("HTTP/1.1 100 Continue\r\n\r\n");
        flush_later();
    }
}

// A request that is all here. False: a coroutine has taken over.
bool session::answer_request()
{
    if (!body_admitted_) begin_request();
    const route& found = *exchange_->matched;
    http::request& asked = exchange_->machine.current();
    if (!found.plain()) return run(handle_request());
    context* before = context::exchange_current(&exchange_->request_context);
    http::response answer = body_admitted_ ? found.handle(asked) : found.answer(asked);
    context::exchange_current(before);
    if (answer.streamed()) return run(stream_answer(std::move(answer)));
    respond(std::move(answer));
    return true;
}

// Starts a coroutine of this session; says whether it has finished already. What the request refers to must outlive the
// receive buffer from here on.
bool session::run(task<void>&& work)
{
    exchange_->machine.keep();
    enter(phase::answering);
    handler_running_ = true;
    server_.handlers().spawn(std::move(work), &exchange_->request_context);
    return !handler_running_ && phase_ != phase::closed;
}

task<void> session::admit_then_read()
{
    const route& found = *exchange_->matched;
    auto refused = co_await found.admit_waiting(exchange_->machine.current());
    if (refused)
        respond(*std::move(refused));
    else if (body_admitted_ = true; found.options().stream_body)
        co_await read_stream();
    else if (phase_ != phase::closed)
        accept_body(http::body_mode::buffered);
    handler_ended();
}

task<void> session::handle_request()
{
    const route& found = *exchange_->matched;
    http::request& asked = exchange_->machine.current();
    http::response answer =
        body_admitted_ ? co_await found.handle_waiting(asked) : co_await found.answer_waiting(asked);
    if (answer.streamed())
        co_await write_stream(answer);
    else
        respond(std::move(answer));
    handler_ended();
}

task<void> session::handle_stream()
{
    co_await read_stream();
    handler_ended();
}

task<void> session::stream_answer(http::response answer)
{
    co_await write_stream(answer);
    handler_ended();
}

// The handler reads the body itself.
task<void> session::read_stream()
{
    if (phase_ == phase::closed) co_return;
    accept_body(http::body_mode::streamed);
    http::request& asked = exchange_->machine.current();
    request_body body(*this);
    parts::stream(asked) = &body;
    http::response answer = co_await exchange_->matched->handle_waiting(asked);
    parts::stream(asked) = &nothing_to_read;
    if (answer.streamed())
        co_await write_stream(answer);
    else
        respond(std::move(answer));
}

task<void> session::write_stream(http::response& answer)
{
    if (phase_ == phase::closed) co_return;
    http::connection& machine = exchange_->machine;
    const bool sends_body = machine.sends_body(answer);
    machine.start_stream(answer, response_context(), out_);
    flush_later();
    bool complete = true;
    if (sends_body) {
        const http::response::streamed_body write = answer.take_stream();
        response_body body(*this);
        const result<void> written = co_await write(body);
        if (phase_ == phase::closed) co_return;
        complete = written.has_value();
    }
    if (complete) {
        machine.end_stream(out_);
        flush_later();
    } else {
        ending_ = true; // the missing end tells the client that the body is not whole
    }
    note_answered();
}

// A coroutine's last act.
void session::handler_ended()
{
    handler_running_ = false;
    if (phase_ == phase::closed) return bury_if_done();
    phase_ = phase::idle;
    if (!advancing_) advance();
}

// What is not acceptable, or did not come in time: answered, and nothing more is read as HTTP.
void session::refuse(http::status status, std::string_view detail)
{
    http::request& asked = exchange_->machine.current();
    if (exchange_->matched == nullptr) {
        exchange_->request_context.trace = trace_context::start();
        parts::context(asked) = &exchange_->request_context;
    }
    http::response answer = http::problem(status, detail, &exchange_->request_context);
    if (body_admitted_) exchange_->matched->finish(asked, answer);
    respond(std::move(answer.close()));
    ending_ = linger_ = true;
}

// --- Output.

http::response_context session::response_context() noexcept
{
    return {.date = server_.date(), .closing = server_.draining()};
}

void session::respond(http::response answer)
{
    if (phase_ == phase::closed) return;
    http::connection& machine = exchange_->machine;
    const bool referenced =
        answer.referenced() && answer.body().size() >= referenced_bytes_min && machine.sends_body(answer);
    machine.respond(answer, response_context(), out_, referenced);
    if (referenced) {
        large_body_ = std::make_unique<large_body>(std::move(answer));
        large_body_->rest = large_body_->owner.body();
    }
    flush_later();
    note_answered();
}

void session::note_answered()
{
    body_admitted_ = false;
    exchange_->matched = nullptr;
    if (!handler_running_) phase_ = phase::idle;
    if (exchange_->machine.must_close()) {
        ending_ = true;
        linger_ = exchange_->machine.must_linger();
    }
}

bool session::output_is_full() const noexcept
{
    return large_body_ != nullptr || unsent() >= server_.options().limits.unsent_bytes;
}

void session::flush_later()
{
    if (!send_.in_flight()) server_.here().at_turn_end(flush_);
}

void session::flush()
{
    if (phase_ == phase::closed) return bury_if_done();
    if (send_.in_flight()) return;
    if (!out_.empty()) {
        sending_.swap(out_);
        server_.here().ring().send(fd_, sending_.view(), send_);
    } else if (large_body_ != nullptr) {
        server_.here().ring().send(fd_, large_body_->rest.substr(0, referenced_slice), send_);
    } else if (ending_ && !handler_running_) {
        output_is_out();
    }
}

void session::on_sent(completion c)
{
    if (phase_ == phase::closed) return bury_if_done();
    if (c.result < 0) return close();
    const auto sent = static_cast<std::size_t>(c.result);
    if (!sending_.empty()) {
        sending_.consume(sent);
        if (!sending_.empty()) { // cut short: the kernel had no room or was interrupted
            server_.here().ring().send(fd_, sending_.view(), send_);
            return;
        }
        sending_.reset();
    } else {
        large_body_->rest.remove_prefix(sent);
        if (large_body_->rest.empty()) large_body_.reset();
    }
    if (phase_ == phase::idle || phase_ == phase::ending)
        expect_by(server_.here().now() + server_.options().idle_timeout);
    if (output_waiter_ != nullptr && !output_is_full()) output_waiter_->complete();
    flush();
    if (output_full_ && large_body_ == nullptr && unsent() <= server_.options().limits.unsent_bytes / 2) {
        output_full_ = false;
        advance();
    }
}

// --- Time and end.

void session::enter(phase p)
{
    const time_point now = server_.here().now();
    const bool changed = phase_ != p;
    phase_ = p;
    switch (p) {
    case phase::idle:
        return expect_by(now + server_.options().idle_timeout);
    case phase::reading_head:
        return changed ? expect_by(now + server_.options().header_timeout) : void();
    case phase::reading_body:
        return changed ? expect_by(now + server_.options().body_timeout) : void();
    case phase::answering:
        return expect_by(exchange_->request_context.deadline);
    case phase::ending:
        return expect_by(now + server_.options().idle_timeout);
    case phase::lingering:
        return expect_by(now + linger_time);
    case phase::closed:
        return;
    }
}

// The timer is moved only if it would come too late; if it comes too early it looks at the deadline and goes on.
void session::expect_by(time_point when)
{
    deadline_ = when;
    if (timer_.armed() && timer_at_ <= when) return;
    timer_at_ = when;
    server_.here().timers().arm(timer_, when);
}

void session::on_time()
{
    if (server_.here().now() < deadline_) return expect_by(deadline_);
    switch (phase_) {
    case phase::reading_head:
        refuse(http::status::request_timeout, "The request did not arrive in time");
        break;
    case phase::reading_body:
        refuse(http::status::request_timeout, "The body did not arrive in time");
        break;
    case phase::answering:
        exchange_->stop.request();
        return; // what waits without a deadline of its own gives up, too
    case phase::idle:
    case phase::ending:
    case phase::lingering:
        return close();
    case phase::closed:
        return;
    }
    end_after_output();
}

// No more requests: what is owed goes out, then the connection ends.
void session::end_after_output()
{
    ending_ = true;
    if (phase_ == phase::closed || phase_ == phase::lingering) return;
    release_exchange();
    enter(phase::ending);
    if (!send_.in_flight()) server_.here().at_turn_end(flush_);
}

void session::output_is_out()
{
    if (phase_ == phase::lingering) return;
    if (!linger_ || input_ended_) return close();
    // Closing with unread input would reset the connection and could take the answer with it.
    server_.here().ring().shutdown(fd_, SHUT_WR);
    enter(phase::lingering);
    update_receiving();
}

void session::drain()
{
    if (phase_ == phase::closed || handler_running_ || exchange_ != nullptr || ending_ || unsent() != 0 ||
        large_body_ != nullptr)
        return; // it ends with its answer
    int waiting = 0;
    if (ioctl(fd_, SIOCINQ, &waiting) == 0 && waiting > 0) return;
    if (!has_asked_) return expect_by(server_.here().now() + drain_first_request);
    close();
}

void session::close()
{
    if (phase_ == phase::closed) return;
    phase_ = phase::closed;
    server_.here().timers().cancel(timer_);
    sluice::ring& ring = server_.here().ring();
    ring.abandon(receive_);
    ring.cancel(send_);
    ring.close(fd_);
    if (handler_running_) exchange_->stop.request();
    if (input_waiter_ != nullptr) input_waiter_->complete();
    if (output_waiter_ != nullptr) output_waiter_->complete();
    bury_if_done();
}

void session::release_exchange()
{
    if (exchange_ == nullptr) return;
    const bool clean = exchange_->machine.idle() && !input_ended_;
    server_.give_back(*std::exchange(exchange_, nullptr), clean);
}

void session::bury_if_done()
{
    if (send_.in_flight() || handler_running_ || flush_.queued || go_on_.queued || advancing_) return;
    release_exchange();
    server_.bury(*this);
}

} // namespace sluice

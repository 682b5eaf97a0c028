// The part of a session that finds the route and runs its handler, at once or as a coroutine.
#include "server/request_trace.hpp"
#include "server/session.hpp"
#include "server/session_streams.hpp"
#include "server/shard_server.hpp"

#include <sluice/core/log.hpp>
#include <sluice/core/turn_watch.hpp>
#include <sluice/http/forwarded.hpp>
#include <sluice/http/problem.hpp>
#include <sluice/http/request_parts.hpp>
#include <sluice/route/router.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace sluice {

namespace {

using parts = http::request::parts;

// What a request without a body gives to a handler that reads it as a stream: its end. Stateless, so one serves all.
class no_body final : public http::body_reader
{
public:
    [[nodiscard]] task<result<std::string_view>> read() override { co_return std::string_view(); }
};
constinit no_body nothing_to_read;

} // namespace

void session::begin_request()
{
    http::request& asked = exchange_->machine.current();
    context& belongs = exchange_->request_context;
    exchange_->began_at = server_.here().now();
    belongs.stages.begin(exchange_->began_at);
    belongs.cache = cache_tier::none;
    belongs.redis_waited = duration::zero();
    exchange_->bytes_out = 0;
    server_.request_began(*exchange_, routes_);
    begin_trace(*exchange_, peer_trusted_);
    parts::context(asked) = &belongs;
    parts::client(asked) = client_of(asked);
    parts::stream(asked) = &nothing_to_read;
    exchange_->matched = routes_.find(asked).found;
    belongs.task = exchange_->matched->pattern();
    belongs.debug = peer_trusted_ && asked.header("X-Log-Debug") == "1";
    exchange_->stop.reset(); // the last request of this connection may have been stopped by its deadline
    belongs.deadline = server_.here().now() + request_timeout();
    turn_watch::current().turns_to(belongs);
}

// The peer, or whom a proxy that is trusted names.
std::string_view session::client_of(const http::request& asked)
{
    if (peer_trusted_) {
        if (const auto named = http::forwarded_client(asked.headers(), server_.options().trusted_proxies))
            return named->write(exchange_->client);
    }
    return {client_, client_size_};
}

duration session::request_timeout() const noexcept
{
    return exchange_->matched->options().request_timeout.value_or(server_.options().request_timeout);
}

// A body that is read or written piece by piece may take longer than a request: while it moves, the deadline does.
void session::renew_deadline() noexcept
{
    context& belongs = exchange_->request_context;
    belongs.deadline = std::max(belongs.deadline, server_.here().now() + request_timeout());
    deadline_ = belongs.deadline;
}

// A head with a body behind it. False: a coroutine has taken over, and goes on by itself.
bool session::begin_body()
{
    begin_request();
    const route& found = *exchange_->matched;
    admission admitted = admit_at_once();
    if (admitted.early) {
        respond(*std::move(admitted.early));
        return true;
    }
    if (!admitted.complete) return run(admit_then_read(admitted.passed));
    body_admitted_ = true;
    if (found.options().stream_body) return run(handle_stream());
    accept_body(http::body_mode::buffered);
    return true;
}

admission session::admit_at_once()
{
    context* const before = context::exchange_current(&exchange_->request_context);
    admission made = exchange_->matched->admit_at_once(exchange_->machine.current());
    context::exchange_current(before);
    return made;
}

void session::accept_body(http::body_mode mode)
{
    const auto& own_limit = exchange_->matched->options().body_bytes;
    exchange_->machine.accept_body(mode, own_limit.value_or(server_.options().limits.body_bytes));
    if (mode == http::body_mode::buffered) exchange_->request_context.stages.enter(stage::body, server_.here().now());
    if (exchange_->machine.take_expect_continue()) {
        out_.append("HTTP/1.1 100 Continue\r\n\r\n");
        flush_later();
    }
}

// A request that is all here. False: a coroutine has taken over.
bool session::answer_request()
{
    if (body_admitted_) {
        exchange_->request_context.stages.leave(stage::body, server_.here().now());
        turn_watch::current().turns_to(exchange_->request_context);
    } else {
        begin_request();
    }
    std::size_t passed = 0;
    if (!body_admitted_) {
        admission admitted = admit_at_once();
        if (admitted.early) {
            respond(*std::move(admitted.early));
            return true;
        }
        passed = admitted.passed;
        if (!admitted.complete) return run(handle_request(passed));
    }
    context* const before = context::exchange_current(&exchange_->request_context);
    std::optional<http::response> answer = exchange_->matched->handle_at_once(exchange_->machine.current());
    context::exchange_current(before);
    if (!answer) return run(handle_request(passed));
    if (answer->streamed()) return run(stream_answer(*std::move(answer)));
    respond(*std::move(answer));
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
    watch_for_reset();
    return !handler_running_ && phase_ != phase::closed;
}

task<void> session::admit_then_read(std::size_t passed)
{
    const route& found = *exchange_->matched;
    auto refused = co_await found.admit_waiting(exchange_->machine.current(), passed);
    if (refused)
        respond(*std::move(refused));
    else if (body_admitted_ = true; found.options().stream_body)
        co_await read_stream();
    else if (phase_ != phase::closed)
        accept_body(http::body_mode::buffered);
    handler_ended();
}

task<void> session::handle_request(std::size_t passed)
{
    const route& found = *exchange_->matched;
    http::request& asked = exchange_->machine.current();
    http::response answer =
        body_admitted_ ? co_await found.handle_waiting(asked) : co_await found.answer_waiting(asked, passed);
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
    std::size_t before = out_.size();
    machine.start_stream(answer, response_context(), out_);
    exchange_->bytes_out = out_.size() - before;
    flush_later();
    bool complete = true;
    http::status recorded = answer.status();
    if (sends_body) {
        const http::response::streamed_body write = answer.take_stream();
        response_body body(*this);
        try {
            const result<void> written = co_await write(body);
            complete = written.has_value();
            // Of what ended for the client's sake no more is said.
            if (!complete && phase_ != phase::closed && !body.cut_off() && written.error().code != errc::cancelled) {
                recorded = http::status::internal_server_error;
                log(log_level::error, "An answer broke off", {{"reason", written.error().detail}});
            }
        } catch (...) {
            complete = false;
            recorded = http::status::internal_server_error;
            exchange_->matched->stream_failed(machine.current(), std::current_exception());
        }
        if (phase_ == phase::closed) co_return;
    }
    if (complete) {
        before = out_.size();
        machine.end_stream(out_);
        exchange_->bytes_out += out_.size() - before;
        flush_later();
    } else {
        ending_ = true; // the missing end tells the client that the body is not whole
    }
    end_answer(recorded, send_.in_flight() || unsent() != 0);
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
        exchange_->request_context = {.stop = &exchange_->stop}; // nothing of the request before
        const bool at_once = exchange_->head_began_at == time_point();
        exchange_->began_at = at_once ? server_.here().now() : exchange_->head_began_at;
        if (exchange_->machine.refused_whole_head())
            begin_trace(*exchange_, peer_trusted_);
        else
            begin_trace_unread(*exchange_);
        parts::context(asked) = &exchange_->request_context;
        parts::client(asked) = {client_, client_size_};
    }
    http::response answer = http::problem(status, detail, &exchange_->request_context);
    if (body_admitted_) exchange_->matched->finish(asked, answer);
    ending_ = linger_ = true;
    respond(std::move(answer.close()));
}

} // namespace sluice

// The part of a session that gathers answers and sends them.
#include "server/request_trace.hpp"
#include "server/session.hpp"
#include "server/shard_server.hpp"

#include <sluice/core/log.hpp>
#include <sluice/http/method.hpp>
#include <sluice/middleware/access_log.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>

namespace sluice {

namespace {

// A body that outlives its response is sent from where it lies from this size on; below it a copy is cheaper.
constexpr std::size_t referenced_bytes_min = 16 * 1024;
// … in operations of this size, each of which has to make progress within the idle timeout.
constexpr std::size_t referenced_slice = 256 * 1024;
// What the kernel surely takes at once where nothing waits for the client yet. Answers beyond it are over when the last
// of them has been taken.
constexpr std::size_t taken_at_once_max = 64 * 1024;

// No request that could be understood: of it only what could be read is named.
void log_refused(exchange& of, http::status status, duration took)
{
    const http::request& asked = of.machine.current();
    const std::array fields = {
        log_field("status", static_cast<std::uint16_t>(status)),
        log_field("duration_us", std::chrono::duration_cast<std::chrono::microseconds>(took).count()),
        log_field("bytes_out", of.bytes_out),
        log_field("client", asked.client()),
        log_field("method", name(asked.method())),
        log_field("path", asked.path()),
    };
    const std::size_t unread = of.machine.refused_good_lines() ? 0 : 2;
    log(status >= http::status::internal_server_error ? log_level::warn : log_level::info, "request refused",
        std::span(fields).first(fields.size() - unread));
}

} // namespace

http::response_context session::response_context() noexcept
{
    return {.date = server_.date(), .closing = server_.draining()};
}

void session::respond(http::response&& answer)
{
    if (phase_ == phase::closed) return;
    http::connection& machine = exchange_->machine;
    const http::status status = answer.status();
    const bool waits = send_.in_flight() || unsent() + answer.body().size() >= taken_at_once_max;
    if (waits) machine.keep(); // what it was asked with is needed for longer than the receive buffer
    const bool referenced =
        answer.referenced() && answer.body().size() >= referenced_bytes_min && machine.sends_body(answer);
    const std::size_t before = out_.size();
    machine.respond(answer, response_context(), out_, referenced);
    exchange_->bytes_out = out_.size() - before + (referenced ? answer.body().size() : 0);
    if (referenced) {
        large_body_ = std::make_unique<large_body>(std::move(answer));
        large_body_->rest = large_body_->owner.body();
    }
    flush_later();
    end_answer(status, waits);
}

// The answer is made. It is over at once, unless it waits for the client to take it, or what comes before it does: then
// the request, which has been kept, is under way until on_sent() has seen its last byte go, and no other is begun.
void session::end_answer(http::status status, bool waits)
{
    exchange_->answered = status;
    if (!waits || ending_ || exchange_->matched == nullptr) return answer_is_over();
    unwritten_ = output_full_ = true;
    exchange_->request_context.stages.enter(stage::write, steady_clock::now());
}

void session::answer_is_over()
{
    record_answer(exchange_->answered, exchange_->bytes_out);
    note_answered();
}

void session::record_answer(http::status status, std::uint64_t bytes_out) const
{
    const route* matched = exchange_->matched;
    const duration took = steady_clock::now() - exchange_->began_at;
    const http::request& asked = exchange_->machine.current();
    context& belongs = exchange_->request_context;
    belongs.stages.charge(exchange_->began_at + took);
    const bool administration = &routes_ == &server_.admin(); // which is no load
    const bool counted = !administration && server_.options().metrics;
    if (counted) server_.metrics().answered(matched, asked.method(), status, took);
    if (const time_point now = exchange_->began_at + took;
        counted && matched != nullptr && server_.slowest().wants(took, now)) [[unlikely]]
        server_.slowest().keep({.matched = matched,
                                .method = asked.method(),
                                .status = status,
                                .trace = belongs.trace,
                                .ended_at = now,
                                .took = took,
                                .head = exchange_->time_of_head(),
                                .stages = belongs.stages});
    if (!administration) end_trace(*exchange_, status, took);
    access_log_options wanted = server_.options().access_log;
    if (administration) wanted.slow = {};
    if (matched == nullptr) {
        if (!wanted.lines) return;
        context* before = context::exchange_current(&belongs);
        log_refused(*exchange_, status, took);
        context::exchange_current(before);
        return;
    }
    log_access(asked,
               {.status = status,
                .bytes_out = bytes_out,
                .took = took,
                .head = exchange_->time_of_head(),
                .sampled = wanted.ratio >= 1 || deciding_trace(*exchange_).kept_at(wanted.ratio)},
               wanted);
}

void session::note_answered()
{
    body_admitted_ = false;
    exchange_->matched = nullptr;
    exchange_->head_began_at = {};
    server_.request_ended(*exchange_);
    if (!handler_running_) phase_ = phase::idle;
    if (exchange_->machine.must_close()) {
        ending_ = true;
        linger_ = linger_ || exchange_->machine.must_linger();
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
    const auto sent = static_cast<std::size_t>(std::max(c.result, 0));
    const bool gathered = !sending_.empty();
    if (gathered)
        sending_.consume(sent);
    else
        large_body_->rest.remove_prefix(sent);
    if (phase_ == phase::closed) return bury_if_done(); // a send that is cancelled may have sent a part
    if (c.result < 0) return close();
    if (gathered) {
        if (!sending_.empty()) { // cut short: the kernel had no room or was interrupted
            server_.here().ring().send(fd_, sending_.view(), send_);
            return;
        }
        sending_.reset();
    } else if (large_body_->rest.empty()) {
        large_body_.reset();
    }
    if (phase_ == phase::idle || phase_ == phase::ending)
        expect_by(server_.here().now() + server_.options().idle_timeout);
    if (output_waiter_ != nullptr && !output_is_full()) output_waiter_->complete();
    flush();
    const std::size_t rest_max = unwritten_ ? 0 : server_.options().limits.unsent_bytes / 2;
    if (output_full_ && large_body_ == nullptr && unsent() <= rest_max) {
        const bool over = unwritten_;
        output_full_ = unwritten_ = false;
        if (over) answer_is_over();
        advance();
    } else if (server_.draining()) {
        drain();
    }
}

} // namespace sluice

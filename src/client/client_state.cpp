#include "client/client_state.hpp"

#include "client/request_writer.hpp"
#include "http/characters.hpp"

#include <sluice/core/stage_timer.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace sluice::http {

namespace {

std::unexpected<error> failed(errc code, std::string_view detail)
{
    error made{.code = code, .detail = std::string(detail), .dependency = "http"};
    if (code == errc::unavailable || code == errc::outcome_unknown) made.retry_after = std::chrono::seconds(1);
    return fail(std::move(made));
}

// A call without an answer: its span says why in the words of the metric that counts it.
void unanswered(span& calling, event_count& counted, std::string_view why)
{
    ++counted;
    calling.failed();
    calling.attribute("error.type", why);
}

// Made twice, it is the same as made once (RFC 9110, section 9.2.2).
bool idempotent(method m) noexcept { return m != method::post && m != method::patch; }

// A call counts among its origin's users while it lives.
class user_of
{
public:
    explicit user_of(origin& of) noexcept : of_(of) { ++of.users; }
    ~user_of() { --of_.users; }
    user_of(const user_of&) = delete;
    user_of& operator=(const user_of&) = delete;

private:
    origin& of_;
};

} // namespace

client_state::client_state(shard& on, offload_pool& blocking, client_options options)
    : options_(std::move(options)), shared_{.on = on, .blocking = blocking, .options = options_, .counters = counters_}
{
    SLUICE_ASSERT(is_field_value(options_.user_agent));
    on.background().stop().add(stop_);
}

client_state::~client_state() { stop_.unlink(); }

// The shard ends: what is under way goes on, and nothing is kept behind it.
void client_state::on_stop()
{
    shared_.stopping = true;
    for (const auto& one : origins_) one->on_stop();
}

// Null: there is no room for it.
origin* client_state::origin_of(const url& where)
{
    auto known = std::ranges::find_if(origins_, [&](const auto& one) { return one->is(where.authority); });
    if (known == origins_.end()) {
        if (origins_.size() >= options_.origins_max && !make_room()) return nullptr;
        known = origins_.insert(origins_.end(), std::make_unique<origin>(shared_, where));
        counters_.origins = static_cast<unsigned>(origins_.size());
    }
    (*known)->called_at = shared_.on.now();
    return known->get();
}

// At the bound the one that nobody has called for the longest time goes, and its connections with it.
bool client_state::make_room()
{
    std::erase_if(leaving_, [](const auto& one) { return one->unused(); });
    const auto free = [](const auto& one) { return one->users == 0; };
    const auto last = std::ranges::min_element(origins_, [&](const auto& a, const auto& b) {
        return free(a) != free(b) ? free(a) : a->called_at < b->called_at;
    });
    if (last == origins_.end() || !free(*last) || leaving_.size() >= options_.origins_max) return false;
    (*last)->retire();
    if (!(*last)->unused()) leaving_.push_back(std::move(*last));
    origins_.erase(last);
    return true;
}

task<result<answer>> client_state::send(call what)
{
    const stage_timer calling(stage::call);
    ++counters_.calls;
    const auto where = parse_url(what.url);
    if (!where) co_return fail(where.error());
    if (auto valid = check_fields(what); !valid) co_return fail(std::move(valid.error()));
    origin* const to = origin_of(*where);
    if (to == nullptr) {
        span refused(name(what.method), span_kind::client);
        unanswered(refused, counters_.refused, "refused");
        co_return failed(errc::unavailable, "Too many other services are called already");
    }
    const user_of using_it(*to);
    const duration allowed = what.timeout > duration::zero() ? what.timeout : options_.timeout;
    const time_point began = steady_clock::now();
    auto got = co_await exchange_with(*to, what, *where, shared_.on.now() + allowed);
    counters_.took.record(steady_clock::now() - began);
    co_return got;
}

// A connection that nobody else uses, which the caller uses before it waits for anything.
task<result<client_connection*>> client_state::connection_to(origin& to, time_point limit, span& calling)
{
    for (;;) {
        if (client_connection* idle = to.take_idle()) co_return idle;
        origin::waiter waiting;
        if (!to.join(waiting)) {
            unanswered(calling, counters_.refused, "refused");
            co_return failed(errc::unavailable, "Too many calls wait for another service already");
        }
        const wait_end how = co_await waiting.finished.until(limit);
        if (how != wait_end::completed) {
            to.leave(waiting);
            if (waiting.given != nullptr) to.give_back(*waiting.given); // it came too late for us
            co_return given_up(how, {}, false, calling);
        }
        if (waiting.given == nullptr) {
            unanswered(calling, counters_.unreached, "unreached");
            co_return failed(errc::unavailable, "Another service cannot be reached");
        }
        // Since it was given it may have ended, and then there is another.
        if (!waiting.given->has_ended()) co_return waiting.given;
    }
}

task<result<answer>> client_state::exchange_with(origin& to, const call& what, const url& where, time_point limit)
{
    for (bool again = false;; again = true) {
        span calling(name(what.method), span_kind::client);
        const auto on = co_await connection_to(to, limit, calling);
        if (!on) co_return fail(on.error());
        buffer request;
        trace_context trace;
        const context* const current = context::current();
        // Background work may have a context, for its deadline or its stop, and yet no trace.
        const bool traced = current != nullptr && current->trace.trace_id != trace_context().trace_id;
        if (traced) {
            trace = current->trace.child();
            if (span_record* kept = calling.record()) trace.span_id = kept->id;
        }
        write_request(what, where, options_.user_agent, traced ? &trace : nullptr,
                      traced ? current->trace_state : std::string_view(), request);
        exchange with;
        if ((*on)->was_used()) ++counters_.reused;
        (*on)->begin(std::move(request), what.method, options_.limits, with);
        const wait_end how = co_await with.finished.until(limit);
        if (!with.how) {
            (*on)->leave();
            co_return given_up(how, what, true, calling);
        }
        if (with.how != exchange::end::stale || again || !idempotent(what.method))
            co_return settle(with, what, calling);
        ++counters_.repeated;
        to.drop_idle(); // they were kept as long
    }
}

result<answer> client_state::settle(exchange& with, const call& what, span& calling)
{
    if (with.how == exchange::end::answered) {
        ++counters_.answers;
        calling.attribute("http.response.status_code", static_cast<std::int64_t>(with.got.status()));
        return std::move(with.got);
    }
    unanswered(calling, counters_.lost, "lost");
    std::string detail = with.how == exchange::end::malformed ? "Another service gave an answer that is not valid HTTP"
                         : with.how == exchange::end::too_large ? "Another service gave an answer that is too large"
                                                                : "Another service closed before it had answered";
    if (idempotent(what.method)) return failed(errc::unavailable, detail);
    detail += "; what was asked may or may not have been done";
    return failed(errc::outcome_unknown, detail);
}

std::unexpected<error> client_state::given_up(wait_end how, const call& what, bool sent, span& calling)
{
    if (how == wait_end::cancelled) {
        unanswered(calling, counters_.cancelled, "cancelled");
        return fail(how);
    }
    unanswered(calling, counters_.timeouts, "timeout");
    return failed(errc::timeout, sent && !idempotent(what.method)
                                     ? "Another service did not answer in time; what was asked may still be done"
                                     : "Another service did not answer in time");
}

} // namespace sluice::http

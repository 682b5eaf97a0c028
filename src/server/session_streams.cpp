#include "server/session_streams.hpp"

#include "server/shard_server.hpp"

#include <sluice/core/stage_timer.hpp>
#include <sluice/shard/shard.hpp>

#include <algorithm>
#include <chrono>

namespace sluice {

namespace {

// A streamed body must arrive at this rate.
constexpr std::int64_t bytes_per_second_min = 1024;

std::unexpected<error> client_is_gone() { return fail(errc::cancelled, "The client has gone"); }

} // namespace

request_body::request_body(session& of) noexcept : session_(of), patience_(of.server_.options().body_timeout) {}

task<result<std::string_view>> request_body::read()
{
    while (!ended_) {
        if (session_.phase_ == session::phase::closed) co_return client_is_gone();
        http::connection& machine = session_.exchange_->machine;
        switch (machine.next()) {
        case http::event::body:
            session_.update_receiving();
            count(machine.chunk().size());
            co_return machine.chunk();
        case http::event::need_input: {
            if (session_.input_ended_) co_return client_is_gone();
            session_.update_receiving();
            wait input;
            const stage_timer reading(stage::body);
            session_.input_waiter_ = &input;
            const time_point began = session_.server_.here().now();
            const wait_end how = co_await input.until(began + patience_);
            session_.input_waiter_ = nullptr;
            patience_ -= session_.server_.here().now() - began;
            if (how == wait_end::timeout && patience_ <= duration::zero())
                co_return fail(errc::too_slow, "The body did not arrive in time");
            if (how != wait_end::completed) co_return fail(how);
            break;
        }
        case http::event::refused: {
            const http::refusal why = machine.refused();
            const errc code = why.status == http::status::content_too_large ? errc::too_large : errc::malformed;
            co_return fail(code, std::string(why.detail));
        }
        default:
            ended_ = true;
            break; // body_end
        }
    }
    co_return std::string_view();
}

void request_body::count(std::size_t bytes) noexcept
{
    patience_ += duration(std::chrono::seconds(1)) * static_cast<std::int64_t>(bytes) / bytes_per_second_min;
    patience_ = std::min(patience_, session_.server_.options().body_timeout);
    session_.renew_deadline();
}

bool response_body::gone() const noexcept { return session_.phase_ == session::phase::closed; }

task<result<void>> response_body::write(std::string_view bytes)
{
    if (gone()) co_return client_is_gone();
    session_.renew_deadline(); // what was written before has found room
    const std::size_t before = session_.out_.size();
    session_.exchange_->machine.write_piece(bytes, session_.out_);
    session_.exchange_->bytes_out += session_.out_.size() - before;
    session_.flush_later();
    while (session_.output_is_full()) {
        wait room;
        const stage_timer writing(stage::write);
        session_.output_waiter_ = &room;
        const wait_end how = co_await room.until();
        session_.output_waiter_ = nullptr;
        if (gone()) co_return client_is_gone();
        if (how != wait_end::completed) {
            cut_off_ = true;
            co_return fail(how);
        }
    }
    co_return result<void>();
}

task<result<void>> response_body::flush()
{
    if (gone()) co_return client_is_gone();
    session_.flush();
    co_return result<void>();
}

} // namespace sluice

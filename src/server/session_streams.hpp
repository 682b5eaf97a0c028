// The streams that a handler reads and writes, on top of a session. Each lives in the frame of the session's coroutine.
#pragma once

#include "server/session.hpp"

#include <sluice/http/body_stream.hpp>

namespace sluice {

// The body of the current request, piece by piece. Between reads at most limits::pipelined_bytes are held.
//
// A client that falls behind the least rate fails it: it has the body timeout's time of patience, which waiting for it
// uses up and bytes that arrive give back. What the handler does between reads does not count.
class request_body final : public http::body_reader
{
public:
    explicit request_body(session& of) noexcept;
    [[nodiscard]] task<result<std::string_view>> read() override;

private:
    void count(std::size_t bytes) noexcept;

    session& session_;
    duration patience_;
    bool ended_ = false;
};

// The body of an answer. A writer that is limits::unsent_bytes ahead of the client waits.
class response_body final : public http::body_writer
{
public:
    explicit response_body(session& of) noexcept : session_(of) {}
    [[nodiscard]] task<result<void>> write(std::string_view bytes) override;
    [[nodiscard]] task<result<void>> flush() override;
    // Has a piece failed, for a client that takes nothing in time?
    [[nodiscard]] bool cut_off() const noexcept { return cut_off_; }

private:
    [[nodiscard]] bool gone() const noexcept;
    session& session_;
    bool cut_off_ = false;
};

} // namespace sluice

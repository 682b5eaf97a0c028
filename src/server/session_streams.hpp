// The streams that a handler reads and writes, on top of a session. Each lives in the frame of the session's coroutine.
#pragma once

#include "server/session.hpp"

#include <sluice/http/body_stream.hpp>

namespace sluice {

// The body of the current request, piece by piece. Between reads at most limits::pipelined_bytes are held.
class request_body final : public http::body_reader
{
public:
    explicit request_body(session& of) noexcept;
    [[nodiscard]] task<result<std::string_view>> read() override;

private:
    void count(std::size_t bytes) noexcept;

    session& session_;
    time_point deadline_; // of the next piece
    bool ended_ = false;
};

// The body of an answer. A writer that is limits::unsent_bytes ahead of the client waits.
class response_body final : public http::body_writer
{
public:
    explicit response_body(session& of) noexcept : session_(of) {}
    [[nodiscard]] task<result<void>> write(std::string_view bytes) override;
    [[nodiscard]] task<result<void>> flush() override;

private:
    [[nodiscard]] bool gone() const noexcept;
    session& session_;
};

} // namespace sluice

// Bodies as streams, for handlers that must not hold a whole body. Both directions have back-pressure: a reader that is
// not read stops the connection's receiving, a writer that is ahead of the client waits. Each piece that is read or
// written gives the request its whole timeout anew, so a body that moves may take as long as it needs. Thread: the
// request's shard.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>

#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

class body_reader
{
public:
    // The next bytes of the body, valid until the next read; empty at its end. Fails with too_slow, timeout (the
    // request's deadline), too_large, malformed (a broken chunk) or cancelled (the client went away).
    [[nodiscard]] virtual task<result<std::string_view>> read() = 0;

protected:
    ~body_reader() = default;
};

class body_writer
{
public:
    // Sends `bytes` as part of the body; waits while the client is behind. Fails with cancelled once nobody reads.
    [[nodiscard]] virtual task<result<void>> write(std::string_view bytes) = 0;
    // Sends at once what has been written (otherwise the turn's end does).
    [[nodiscard]] virtual task<result<void>> flush() = 0;

protected:
    ~body_writer() = default;
};

} // namespace sluice::http

#pragma GCC visibility pop

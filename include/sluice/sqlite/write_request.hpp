// A write on its way to the writer of a database: what database::write makes of a function, and what the writer runs.
// Not for applications.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/core/span.hpp>
#include <sluice/sqlite/connection.hpp>

#pragma GCC visibility push(default)

namespace sluice::sqlite {

// Owned by the operation that submitted it; alive until finished() has been called. All are called on the writer's
// thread.
class write_request
{
public:
    // Runs the statements and keeps its own result; an error (valid until finished()): undo them.
    [[nodiscard]] virtual const error* run(connection& c) noexcept = 0;
    // Its transaction is durable (`failure` is null), or has failed as a whole. The last call.
    virtual void finished(const error* failure) noexcept = 0;
    // Where the statements are told of that it shares with others; null where nobody keeps its trace.
    [[nodiscard]] virtual span_log* spans() noexcept { return nullptr; }

protected:
    ~write_request() = default;

private:
    friend class writer;
    write_request* next_ = nullptr;
};

} // namespace sluice::sqlite

#pragma GCC visibility pop

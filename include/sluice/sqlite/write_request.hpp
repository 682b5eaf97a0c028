// A write on its way to the writer of a database: what database::write makes of a function, and what the writer runs.
// Not for applications.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/sqlite/connection.hpp>

#pragma GCC visibility push(default)

namespace sluice::sqlite {

// Owned by the operation that submitted it; alive until finished() has been called. Both are called on the writer's
// thread.
class write_request
{
public:
    // Runs the statements and keeps its own result; an error (valid until finished()): undo them.
    [[nodiscard]] virtual const error* run(connection& c) noexcept = 0;
    // Its transaction is durable (`failure` is null), or has failed as a whole. The last call.
    virtual void finished(const error* failure) noexcept = 0;

protected:
    ~write_request() = default;

private:
    friend class writer;
    write_request* next_ = nullptr;
};

} // namespace sluice::sqlite

#pragma GCC visibility pop

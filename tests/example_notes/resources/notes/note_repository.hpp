// Where notes are kept: the interface that the service knows, and the errors that every implementation gives.
#pragma once

#include "resources/notes/note.hpp"

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>

namespace sluice::notes {

class note_repository
{
public:
    virtual ~note_repository() = default;

    [[nodiscard]] virtual task<result<note>> insert(new_note input) = 0;
    // Fails with not_found.
    [[nodiscard]] virtual task<result<note>> find(uuid id) = 0;
};

} // namespace sluice::notes

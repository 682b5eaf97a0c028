#include "resources/notes/memory_note_repository.hpp"

#include <sluice/core/timestamp.hpp>

#include <utility>

namespace sluice::notes {

task<result<note>> memory_note_repository::insert(new_note input)
{
    const timestamp now = wall_now();
    note made{.id = uuid::make_v7(now), .text = std::move(input.text), .created_at = now};
    notes_.emplace(made.id, made);
    co_return made;
}

task<result<note>> memory_note_repository::find(uuid id)
{
    const auto found = notes_.find(id);
    if (found == notes_.end()) co_return fail(errc::not_found, "Note " + id.to_string() + " not found");
    co_return found->second;
}

} // namespace sluice::notes

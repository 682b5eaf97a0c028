// The rules about notes. Knows the repository's interface and the error type; no HTTP and no SQL.
#pragma once

#include "resources/notes/note_repository.hpp"

#include <cstddef>

namespace sluice::notes {

inline constexpr std::size_t text_bytes_max = 1000;

class note_service
{
public:
    explicit note_service(note_repository& notes) noexcept : notes_(notes) {}

    [[nodiscard]] task<result<note>> create(new_note input);
    [[nodiscard]] task<result<note>> find(uuid id) { return notes_.find(id); }

private:
    note_repository& notes_;
};

} // namespace sluice::notes

// Notes in memory: one shard's, gone with the process. No method waits.
#pragma once

#include "resources/notes/note_repository.hpp"

#include <unordered_map>

namespace sluice::notes {

class memory_note_repository final : public note_repository
{
public:
    [[nodiscard]] task<result<note>> insert(new_note input) override;
    [[nodiscard]] task<result<note>> find(uuid id) override;

private:
    std::unordered_map<uuid, note> notes_;
};

} // namespace sluice::notes

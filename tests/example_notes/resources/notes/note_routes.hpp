// The notes API over HTTP: what is asked for, what is answered. Rules are the service's.
#pragma once

#include "resources/notes/note_service.hpp"

#include <sluice/route/router.hpp>

namespace sluice::notes {

// Registers /notes and /notes/{id}. The service outlives the router.
void note_routes(router& routes, note_service& notes);

} // namespace sluice::notes

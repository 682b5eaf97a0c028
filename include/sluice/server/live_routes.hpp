// What goes on at this moment, for people: a page that shows it, and the parts it is made of.
//
//     GET /            the page: one document, which asks nobody but this server
//     GET /live        what it shows, every second, as server-sent events
//     GET /inflight    the requests that are under way now, the oldest first
//
// Everything it shows of metrics comes from telemetry/metrics.hpp; nothing is gathered while nobody watches. Requests
// are shown with their path and their client: it is for the admin listener alone, behind middleware/same_site.hpp.
//
// Thread: the shard that serves it, which asks the others for their requests by a message.
#pragma once

#pragma GCC visibility push(default)

namespace sluice {

class router;

void live_routes(router& to);

} // namespace sluice

#pragma GCC visibility pop

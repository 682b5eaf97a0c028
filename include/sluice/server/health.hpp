// Health: GET /healthz says that the process answers; GET /readyz says whether it should be sent requests.
//
//     auto& h = s.own<health>();
//     h.add("sqlite", [&db] { return db.ping(); });
//     h.routes(routes);
//
// The two are told apart because they are acted on differently: who fails /healthz is restarted, and a restart mends no
// database. So /healthz knows no dependency, and /readyz has an entry for each: 503 while one that is needed is away,
// and while the server drains.
//
// Owned by a shard (shard::own), whose requests it answers; it outlives the router.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/http/request.hpp>
#include <sluice/http/response.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

class router;

class health
{
public:
    // Can the dependency be used now? It may wait; what takes longer than a second counts as away.
    using readiness_check = std::function<task<result<void>>()>;

    enum class importance : std::uint8_t
    {
        needed,
        helpful, // requests are served without it: its entry says that it is away, and the status stays 200
    };
    // How much depends on it now? Asked with every check, for what settings change while the server runs.
    using importance_check = std::function<importance()>;
    // `name` as it stands in the answer: "sqlite". Before routes().
    void add(std::string name, readiness_check check, importance how = importance::needed);
    void add(std::string name, readiness_check check, importance_check how);
    void routes(router& to);

private:
    struct dependency
    {
        std::string name;
        readiness_check check;
        importance_check how;
        bool away = false; // when it was last asked
    };

    [[nodiscard]] task<result<http::response>> ready(http::request& asked);
    static void note(dependency& of, const result<void>& outcome);

    std::vector<dependency> dependencies_;
};

} // namespace sluice

#pragma GCC visibility pop

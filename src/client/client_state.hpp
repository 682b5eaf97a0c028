// What a client knows: its origins, and how a call is made.
#pragma once

#include "client/origin.hpp"

#include <sluice/client/client.hpp>
#include <sluice/core/bound.hpp>
#include <sluice/core/span.hpp>
#include <sluice/coro/stop.hpp>

#include <memory>
#include <vector>

namespace sluice::http {

class client_state
{
public:
    client_state(shard& on, offload_pool& blocking, client_options options);
    ~client_state();

    [[nodiscard]] task<result<answer>> send(call what);
    [[nodiscard]] const client_counters& counters() const noexcept { return counters_; }

private:
    [[nodiscard]] origin* origin_of(const url& where);
    [[nodiscard]] bool make_room();
    [[nodiscard]] task<result<client_connection*>> connection_to(origin& to, time_point limit, span& calling);
    [[nodiscard]] task<result<answer>> exchange_with(origin& to, const call& what, const url& where, time_point limit);
    [[nodiscard]] result<answer> settle(exchange& with, const call& what, span& calling);
    [[nodiscard]] std::unexpected<error> given_up(wait_end how, const call& what, bool sent, span& calling);
    void on_stop();

    client_options options_;
    client_counters counters_;
    origin::shared shared_;
    std::vector<std::unique_ptr<origin>> origins_;
    std::vector<std::unique_ptr<origin>> leaving_; // retired; each has a connection that is not closed yet
    bound<stop_callback, &client_state::on_stop> stop_{*this};
};

} // namespace sluice::http

#include "client/client_state.hpp"

#include <sluice/client/client.hpp>

#include <utility>

namespace sluice::http {

result<void> check_url(std::string_view url)
{
    const auto read = parse_url(url);
    if (!read) return fail(read.error());
    return {};
}

client::client(shard& on, offload_pool& blocking, client_options options)
    : state_(std::make_unique<client_state>(on, blocking, std::move(options)))
{}

client::~client() = default;

task<result<answer>> client::send(call what) { return state_->send(what); }

const client_counters& client::counters() const noexcept { return state_->counters(); }

} // namespace sluice::http

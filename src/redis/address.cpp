#include "redis/address.hpp"

#include "redis/errors.hpp"

#include <utility>

namespace sluice::redis {

task<result<std::vector<socket_address>>> addresses_of(const location& where, offload_pool& blocking)
{
    if (!where.path.empty()) {
        const auto local = unix_address(where.path);
        if (!local) co_return fail(unavailable(local.error().detail));
        co_return std::vector<socket_address>{*local};
    }
    auto found = co_await sluice::addresses_of(where.host, where.port, blocking);
    if (!found) co_return fail(unavailable(std::move(found.error().detail)));
    co_return std::move(*found);
}

} // namespace sluice::redis

// The users API on PostgreSQL over a number of connections that nobody chooses among: `users_postgres --connections N
// [--listen ADDR:PORT] [--shards N]`, with DATABASE_URL in the environment
//
// Requests go round N connections of each shard, and each is a pool of its own. So the measurements see what a number
// of connections gives, where the pool's own rule would gather requests on few. The table of users must be there.
#include "program.hpp"
#include "resources/users/postgres_user_repository.hpp"
#include "resources/users/user_routes.hpp"

#include <sluice/postgres/pool.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/offload.hpp>

#include <string>
#include <utility>
#include <vector>

namespace {

using namespace sluice;

class users_in_turn final : public users::user_repository
{
public:
    users_in_turn(shard& on, offload_pool& blocking, const std::string& url, unsigned connections)
    {
        for (unsigned i = 0; i < connections; ++i) {
            auto& database = on.own<postgres::pool>(
                on, blocking, postgres::pool_options{.url = url, .connections_max = 1, .waiters_max = 16'384});
            each_.push_back(&on.own<users::postgres_user_repository>(database));
        }
    }

    task<result<users::user>> insert(users::new_user input) override { return next().insert(std::move(input)); }
    task<result<users::user>> find(uuid id) override { return next().find(id); }
    task<result<std::optional<users::user>>> find_by_email(pooled_string email_key) override
    {
        return next().find_by_email(std::move(email_key));
    }
    task<result<pooled_vector<users::user>>> list(std::optional<uuid> after, std::size_t count) override
    {
        return next().list(after, count);
    }
    task<result<users::user>> update(uuid id, users::user_patch patch, users::version_condition when) override
    {
        return next().update(id, std::move(patch), std::move(when));
    }
    task<result<void>> remove(uuid id, users::version_condition when) override
    {
        return next().remove(id, std::move(when));
    }

private:
    users::user_repository& next()
    {
        turn_ = (turn_ + 1) % each_.size();
        return *each_[turn_];
    }

    std::vector<users::user_repository*> each_;
    std::size_t turn_ = 0;
};

result<void> serve(server_options options, const std::string& url, unsigned connections)
{
    offload_pool blocking({.threads = 2}); // connects, and outlives the shards
    server all(std::move(options));
    all.on_shard([&](shard& on, router& routes) {
        auto& repository = on.own<users_in_turn>(on, blocking, url, connections);
        users::user_routes(routes, on.own<users::user_service>(repository));
    });
    return all.run();
}

} // namespace

int main(int argc, char** argv)
{
    std::string url;
    unsigned connections = 1;
    program made("users_postgres", "The users API of Sluice over a fixed number of connections to PostgreSQL");
    made.takes_a_database(url);
    made.command.add_option("--connections", connections, "of each shard")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    return made.run(argc, argv, [&](server_options options) { return serve(std::move(options), url, connections); });
}
